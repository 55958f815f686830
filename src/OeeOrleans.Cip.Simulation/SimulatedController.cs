using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OeeOrleans.Cip.Pccc;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Simulation;

/// <summary>
/// A simulated Rockwell controller on a loopback socket: tags and structures of a Logix or Micro800, data files of a PLC-5, SLC-500 or
/// MicroLogix. Its memory may be read and written from the process at any time.
/// </summary>
public sealed class SimulatedController : IAsyncDisposable
{
    private const ushort Rockwell = 1;
    private const ushort ProgrammableController = 14;
    private readonly ControllerMemory _memory = new();
    private readonly ConcurrentDictionary<ControllerConnection, Task> _connections = new();
    private readonly ConcurrentDictionary<string, bool> _opened = new();
    private readonly SimulatedControllerOptions _options;
    private readonly TagServices _tags;
    private readonly PcccServices _files;
    private TcpListener? _listener;
    private UdpClient? _udp;
    private Task _accepting = Task.CompletedTask;
    private Task _listing = Task.CompletedTask;
    private CancellationTokenSource _ended = new();
    private int _port;
    private int _lastId = Random.Shared.Next(1, 1_000_000);
    private long _requests;
    private long _timeOuts;

    public SimulatedController(SimulatedControllerOptions? options = null)
    {
        _options = options ?? new SimulatedControllerOptions();
        _port = _options.Port;
        (_tags, _files) = (new TagServices(this, _options, _memory), new PcccServices(this, _options, _memory));
        var name = Encoding.Latin1.GetBytes(_options.ProductName);
        Identity = new CipMessage(64 + name.Length).Word(Rockwell).Word(ProgrammableController).Word(166).Byte(33).Byte(11).Word(0x3060)
            .Long(0x00C0FFEE).Byte(name.Length).Bytes(name).Span.ToArray();
    }

    /// <summary>Known once it was started.</summary>
    public int Port => _port;

    public ControllerFaults Faults { get; } = new();

    public int Connections => _connections.Count;

    /// <summary>CIP connections that are open.</summary>
    public int Opens => _opened.Count;

    /// <summary>Requests to tags and files that came; packed ones count each.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Connections that were silent for too long when a message came.</summary>
    public long TimeOuts => Interlocked.Read(ref _timeOuts);

    internal byte[] Identity { get; }

    /// <summary>A tag of an elementary type: `Tag`, or `Program:Main.Tag`.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Of one element; BOOL with a dimension is an array of so many BOOLs.</param>
    /// <param name="dimensions">None: no array.</param>
    public void AddTag(string name, CipDataType type, params IReadOnlyList<int> dimensions)
    {
        ArgumentNullException.ThrowIfNull(dimensions);
        var isLogix = _options.Plc is CipPlc.ControlLogix or CipPlc.CompactLogix;
        var (code, sizes) = type == CipDataType.Bool && dimensions.Count > 0 && isLogix
            ? (CipDataType.Dword, [(dimensions[0] + 31) / 32])
            : (type, dimensions);
        var cip = new CipType(code);
        // A text with its length in front has room for 80 letters.
        _memory.Add(new SimulatedTag(name, cip, sizes, cip.Size > 0 ? cip.Size : 88));
    }

    /// <summary>A tag that is a structure.</summary>
    public void AddTag(string name, CipTemplate template, params IReadOnlyList<int> dimensions)
    {
        ArgumentNullException.ThrowIfNull(template);
        _memory.TemplateId(template);
        var type = new CipType(CipDataType.Structure, template.Handle) { Template = template };
        _memory.Add(new SimulatedTag(name, type, dimensions, template.Size));
    }

    public void RemoveTag(string name) => _memory.Remove(name);

    /// <summary>A data file: `N7`, `F8`, `ST18`, …</summary>
    /// <param name="name">Its letters and number.</param>
    /// <param name="elements">How many it has.</param>
    /// <exception cref="ArgumentException">It is no file.</exception>
    public void AddFile(string name, int elements)
    {
        ArgumentNullException.ThrowIfNull(name);
        var letters = name.TrimEnd("0123456789".ToCharArray());
        if (PcccFiles.OfLetters(letters) is not { } type
            || !int.TryParse(name.AsSpan(letters.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            throw new ArgumentException($"'{name}' is no data file; N7, F8, B3, T4 and ST18 are", nameof(name));
        }

        _memory.Add(new SimulatedFile(type, number, new byte[elements * PcccFiles.SizeOf(type)]));
    }

    /// <summary>A download: the tags are the same, and have other numbers.</summary>
    public void Download() => _memory.Renumber();

    /// <summary>Changes a value as the controller's own program would.</summary>
    /// <exception cref="ArgumentException">There is no such address, or the value does not fit it.</exception>
    public void Write(string address, object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (CipAddress.Parse(address, _options.Plc) is PcccAddress file) WriteFile(file, value);
        else WriteTag((CipTagAddress)CipAddress.Parse(address, _options.Plc), value);
    }

    /// <exception cref="ArgumentException">There is no such address.</exception>
    public object Read(string address)
    {
        if (CipAddress.Parse(address, _options.Plc) is PcccAddress file)
        {
            lock (_memory.Lock) return PcccValues.Decode(file, BytesOf(file), _options.Plc == CipPlc.Plc5);
        }

        var tag = (CipTagAddress)CipAddress.Parse(address, _options.Plc);
        lock (_memory.Lock)
        {
            var (place, bit) = Find(tag);
            var bytes = place.Tag.Bytes.AsSpan(place.At, place.Size * (tag.Count ?? 1));
            return bit is { } position ? CipCodec.Bit(bytes, position) : CipCodec.Decode(place.Type, bytes, tag.Count);
        }
    }

    /// <summary>Power on; after <see cref="StopAsync"/> on the same port, with the memory as it was.</summary>
    public void Start()
    {
        if (_listener is not null) throw new InvalidOperationException("it runs already");
        var listener = new TcpListener(IPAddress.Loopback, _port);
        listener.Start();
        _listener = listener;
        _port = ((IPEndPoint)listener.LocalEndpoint).Port;
        _udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, _port));
        _ended = new CancellationTokenSource();
        var ended = _ended.Token;
        _accepting = Task.Run(() => AcceptAsync(listener, ended), CancellationToken.None);
        _listing = Task.Run(() => ListAsync(_udp, ended), CancellationToken.None);
    }

    /// <summary>Resets every connection.</summary>
    public void CutConnections()
    {
        foreach (var connection in _connections.Keys) connection.Cut();
    }

    /// <summary>Power off.</summary>
    public async Task StopAsync()
    {
        if (_listener is null) return;
        await _ended.CancelAsync();
        _listener.Stop();
        await _accepting;
        CutConnections();
        await Task.WhenAll(_connections.Values);
        await _listing;
        _udp!.Dispose();
        _ended.Dispose();
        _opened.Clear();
        _listener = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    internal uint NextId() => (uint)Interlocked.Increment(ref _lastId);

    internal bool Open(string key) => _opened.TryAdd(key, true);

    internal void Closed(string key) => _opened.TryRemove(key, out _);

    internal void NoteTimeOut() => Interlocked.Increment(ref _timeOuts);

    internal void CountRequest() => Interlocked.Increment(ref _requests);

    /// <summary>The answer to who is there.</summary>
    internal byte[] ListIdentity(ReadOnlySpan<byte> question)
    {
        const int SocketAddress = 16;
        const byte Running = 3;
        var item = new CipMessage(256).Word(1).Bytes(new byte[SocketAddress]).Bytes(Identity).Byte(Running);
        var body = new CipMessage(512).Word(1).Word(Eip.IdentityItem).Word(item.Length).Bytes(item.Span);
        var frame = new byte[Eip.Header + body.Length];
        body.Span.CopyTo(frame.AsSpan(Eip.Header));
        Eip.WriteHeader(
            frame, Eip.ListIdentity, body.Length, 0,
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(question[Eip.ContextAt..]));
        return frame;
    }

    private void WriteTag(CipTagAddress address, object value)
    {
        lock (_memory.Lock)
        {
            var (place, bit) = Find(address);
            if (bit is { } position)
            {
                var truth = CipEncoder.Truth(new CipType(CipDataType.Bool), value);
                ref var one = ref place.Tag.Bytes[place.At + (position / 8)];
                one = truth ? (byte)(one | 1 << (position % 8)) : (byte)(one & ~(1 << (position % 8)));
                return;
            }

            CipCodec.Encode(place.Type, value, address.Count).CopyTo(place.Tag.Bytes, place.At);
        }
    }

    private (TagPlace Place, int? Bit) Find(CipTagAddress address)
    {
        var path = address.Path;
        var bit = address.Bit;
        if (_memory.Find(address.Program is null ? address.Tag : $"Program:{address.Program}.{address.Tag}") is
            { Type.Code: CipDataType.Dword } && address is { LastIndex: { } index, Rest.Length: <= 6 })
        {
            var dword = new List<byte>(address.PathOfArray);
            CipTagAddress.AddIndex(dword, index / 32);
            (path, bit) = ([.. dword], (int)(index % 32));
        }

        var status = TagPath.Follow(_memory, path, out var place);
        if (!status.IsGood) throw new ArgumentException($"{address}: {status.Sentence}");
        if (place.Size * (address.Count ?? 1) > place.Room) throw new ArgumentException($"{address} reaches beyond the end");
        return (place, place.Bit >= 0 ? place.Bit : bit);
    }

    private void WriteFile(PcccAddress address, object value)
    {
        lock (_memory.Lock)
        {
            var bytes = BytesOf(address);
            var word = address.IsSlotWord ? 0 : address.Word * 2;
            if (address.Bit is { } bit)
            {
                var truth = CipEncoder.Truth(new CipType(CipDataType.Bool), value);
                var at = word + (bit / 8);
                bytes[at] = truth ? (byte)(bytes[at] | 1 << (bit % 8)) : (byte)(bytes[at] & ~(1 << (bit % 8)));
                return;
            }

            PcccValues.Encode(address, value, _options.Plc == CipPlc.Plc5).CopyTo(bytes[word..]);
        }
    }

    private Span<byte> BytesOf(PcccAddress address)
    {
        var at = (address.Element * address.ElementSize) + (address.IsSlotWord ? address.Word * 2 : 0);
        return _memory.File(address.FileNumber) is { } file && file.Type == address.File && at + address.ByteLength <= file.Bytes.Length
            ? file.Bytes.AsSpan(at, address.ByteLength)
            : throw new ArgumentException($"there is no {address}");
    }

    private async Task AcceptAsync(TcpListener listener, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(cancellationToken);
                var connection = new ControllerConnection(this, _options, _tags, _files, socket, cancellationToken);
                // It must be known before it can be over.
                var known = new TaskCompletionSource();
                _connections[connection] = ServeAsync(connection, known.Task);
                known.SetResult();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or InvalidOperationException
            && cancellationToken.IsCancellationRequested)
        {
            // Power off, perhaps before it listened at all.
            return;
        }
    }

    private async Task ServeAsync(ControllerConnection connection, Task known)
    {
        await known;
        await Task.Yield();
        try
        {
            await connection.RunAsync();
        }
        finally
        {
            if (!Faults.KeepsLostConnections) connection.Forget();
            _connections.TryRemove(connection, out _);
        }
    }

    private async Task ListAsync(UdpClient udp, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var question = await udp.ReceiveAsync(cancellationToken);
                if (Faults.IsFrozen || question.Buffer.Length < Eip.Header || question.Buffer[0] != Eip.ListIdentity) continue;
                await udp.SendAsync(ListIdentity(question.Buffer), question.RemoteEndPoint, cancellationToken);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException && cancellationToken.IsCancellationRequested)
        {
            return;
        }
    }
}
