using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace OeeOrleans.S7.Simulation;

/// <summary>A simulated S7 PLC on a loopback socket. Its memory may be read and written from the process at any time.</summary>
public sealed class SimulatedPlc : IAsyncDisposable
{
    private readonly PlcMemory _memory = new();
    private readonly ConcurrentDictionary<PlcConnection, Task> _connections = new();
    private readonly SimulatedPlcOptions _options;
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;
    private CancellationTokenSource _ended = new();
    private int _port;
    private long _requests;
    private int _mostUnderWay;

    public SimulatedPlc(SimulatedPlcOptions? options = null)
    {
        _options = options ?? new SimulatedPlcOptions();
        _port = _options.Port;
    }

    /// <summary>Known once it was started.</summary>
    public int Port => _port;

    public PlcFaults Faults { get; } = new();

    public S7CpuState State { get; set; } = S7CpuState.Run;

    public int Connections => _connections.Count;

    /// <summary>Requests under way at a time, the most there ever were.</summary>
    public int MostUnderWay => _mostUnderWay;

    /// <summary>Read and write requests that came.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    public void AddDb(int number, int size) => _memory.AddDb(number, size);

    public void RemoveDb(int number) => _memory.RemoveDb(number);

    /// <summary>Changes a value as the PLC's own program would.</summary>
    /// <exception cref="ArgumentException">There is no such address, or the value does not fit it.</exception>
    public void Write(S7Address address, object value)
    {
        var bytes = new byte[address.Type == S7DataType.Bool ? address.Count : address.ByteLength];
        S7Encoder.Encode(address, value, bytes);
        var status = S7Status.Good;
        if (address.Type != S7DataType.Bool) status = _memory.Write(address.Area, address.Db, address.ByteStart, bytes);
        for (var i = 0; address.Type == S7DataType.Bool && i < bytes.Length && status == S7Status.Good; i++)
        {
            status = _memory.WriteBit(address.Area, address.Db, (address.Start * 8) + address.Bit + i, bytes[i] == 1);
        }

        if (status != S7Status.Good) throw new ArgumentException($"{address}: {S7Errors.Sentence(status)}", nameof(address));
    }

    /// <inheritdoc cref="Write(S7Address, object)"/>
    public void Write(string address, object value) => Write(S7Address.Parse(address), value);

    /// <exception cref="ArgumentException">There is no such address.</exception>
    public object Read(string address)
    {
        var where = S7Address.Parse(address);
        var bytes = new byte[where.ByteLength];
        var status = _memory.Read(where.Area, where.Db, where.ByteStart, bytes);
        return status == S7Status.Good
            ? S7Codec.Decode(where, bytes)
            : throw new ArgumentException($"{address}: {S7Errors.Sentence(status)}", nameof(address));
    }

    /// <summary>Power on; after <see cref="StopAsync"/> on the same port, with the memory as it was.</summary>
    public void Start()
    {
        if (_listener is not null) throw new InvalidOperationException("it runs already");
        var listener = new TcpListener(IPAddress.Loopback, _port);
        listener.Start();
        _listener = listener;
        _port = ((IPEndPoint)listener.LocalEndpoint).Port;
        _ended = new CancellationTokenSource();
        var ended = _ended.Token;
        _accepting = Task.Run(() => AcceptAsync(listener, ended), CancellationToken.None);
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
        _ended.Dispose();
        _listener = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    internal void NoteUnderWay(int count)
    {
        for (var most = _mostUnderWay; count > most; most = _mostUnderWay)
        {
            if (Interlocked.CompareExchange(ref _mostUnderWay, count, most) == most) return;
        }
    }

    internal void CountRequest() => Interlocked.Increment(ref _requests);

    private async Task AcceptAsync(TcpListener listener, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(cancellationToken);
                var isFull = _connections.Count >= _options.MaxConnections;
                var connection = new PlcConnection(this, _options, _memory, socket, isFull, cancellationToken);
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

    private async Task ServeAsync(PlcConnection connection, Task known)
    {
        await known;
        await Task.Yield();
        try
        {
            await connection.RunAsync();
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    }
}
