using OeeOrleans.Cip.Logix;
using OeeOrleans.Cip.Pccc;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip;

/// <summary>
/// One session with one controller. Requests of many callers share it. When it is lost it stays lost: whoever owns it makes another
/// (<see cref="Closed"/> tells), because only he knows how often that should be tried. What the controller can do is learnt once.
/// </summary>
public sealed partial class CipClient : IAsyncDisposable
{
    /// <summary>Bytes that every model bears; whole reals, timers and pairs of texts fit into them.</summary>
    private const int LargestFilePayload = 216;

    /// <summary>A text.</summary>
    private const int SmallestFilePayload = 84;

    private readonly CipClientOptions _options;
    private int _transaction;
    private PcccDialect _dialect;

    private CipClient(CipClientOptions options, CipLink link)
    {
        (_options, Link) = (options, link);
        Tags = new TagTable(this);
        Templates = new TemplateStore(this);
        _transaction = Random.Shared.Next(ushort.MaxValue);
        _dialect = options.Plc == CipPlc.Plc5 ? PcccDialect.Plc5 : PcccDialect.Slc;
    }

    public CipPlc Plc => _options.Plc;

    /// <summary>Bytes of a connected message, as the controller granted them; null: it is spoken to without a connection.</summary>
    public int? ConnectionSize => Link.Connection?.Size;

    /// <summary>Done when the session is over, with the reason.</summary>
    public Task<CipException> Closed => Link.Closed;

    /// <summary>Why the table of tags could not be kept in its file; null when it was, or need not be.</summary>
    public string? TableNotKept => Tags.NotKept;

    internal CipClientOptions Options => _options;

    internal CipLink Link { get; }

    internal TagTable Tags { get; }

    internal TemplateStore Templates { get; }

    internal bool IsLogix => Plc is CipPlc.ControlLogix or CipPlc.CompactLogix;

    internal bool IsPlc5 => Plc == CipPlc.Plc5;

    /// <summary>Bytes of one PCCC command's data: less where a controller sent less than it was asked for.</summary>
    internal int FilePayload { get; private set; } = LargestFilePayload;

    /// <summary>Whether it takes several requests in one.</summary>
    internal bool TakesMultiple { get; set; } = true;

    /// <exception cref="CipException">There is no controller, it refuses, or does not answer in time; the message says where to
    /// look.</exception>
    /// <exception cref="ArgumentException">The options cannot be used.</exception>
    public static async Task<CipClient> ConnectAsync(CipClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return new CipClient(options, await CipLink.OpenAsync(options, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Gives the connection back: its place at the controller is free at once.</summary>
    public ValueTask DisposeAsync() => Link.DisposeAsync();

    /// <summary>Prepares reading these addresses again and again.</summary>
    /// <param name="addresses">In any order; each has a result of its own.</param>
    /// <param name="guard">A tag that the controller's program changes before the first and after the last of these that it changes: they
    /// are read until it was the same before and after, three times at most. Null: none.</param>
    /// <exception cref="ArgumentException">An address is of another family of controllers.</exception>
    public CipReadPlan Plan(IReadOnlyList<CipAddress> addresses, CipAddress? guard = null)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        var guarding = guard is null ? null : Plan([guard]);
        foreach (var address in addresses)
        {
            if (address is PcccAddress != _options.IsPccc) throw new ArgumentException($"{address} is no address of a {Plc}");
        }

        CipReading reading = _options.IsPccc ? new PcccReading(this, addresses) : new LogixReading(this, addresses);
        return new CipReadPlan(this, addresses, reading, guarding);
    }

    /// <summary>Reads once; one result for each address, in their order.</summary>
    /// <exception cref="CipException">The session is over.</exception>
    public async Task<IReadOnlyList<CipResult>> ReadAsync(
        IReadOnlyList<CipAddress> addresses, CancellationToken cancellationToken = default)
    {
        var plan = Plan(addresses);
        await ReadAsync(plan, cancellationToken).ConfigureAwait(false);
        return [.. addresses.Select((_, i) => plan.ResultOf(i))];
    }

    /// <summary>Reads all addresses of a plan; what became of each stands in the plan.</summary>
    /// <remarks>A request that is under way is waited for as <see cref="CipClientOptions.Timeout"/> says, whatever is cancelled.</remarks>
    /// <exception cref="CipException">The session is over.</exception>
    /// <exception cref="InvalidOperationException">The plan is another client's, or is being read already.</exception>
    public ValueTask ReadAsync(CipReadPlan plan, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return ReferenceEquals(plan.Owner, this)
            ? plan.ReadAsync(cancellationToken)
            : throw new InvalidOperationException("this plan was made by another client: a session has its own");
    }

    /// <summary>Reads bytes of a data file by one command.</summary>
    internal async ValueTask<CipStatus> ReadFileAsync(PcccRange range, Memory<byte> into, CancellationToken cancellationToken)
    {
        var status = await ReadFileAsync(_dialect, range, into, cancellationToken).ConfigureAwait(false);
        var isBeyond = status is { General: CipStatus.Pccc | 0xF0, Extended: 0x07 };
        if (!isBeyond || _dialect != PcccDialect.Plc5 || !range.IsOfLargeElements) return status;
        // More words than there are may be more elements than there are, to one that counts these.
        var again = await ReadFileAsync(PcccDialect.Plc5Elements, range, into, cancellationToken).ConfigureAwait(false);
        if (again.IsGood) _dialect = PcccDialect.Plc5Elements;
        return again.IsGood ? again : status;
    }

    internal ushort NextTransaction() => (ushort)Interlocked.Increment(ref _transaction);

    internal CipException NoAnswer() => Link.Distrust("answers a PCCC command with something else");

    private async ValueTask<CipStatus> ReadFileAsync(
        PcccDialect dialect, PcccRange range, Memory<byte> into, CancellationToken cancellationToken)
    {
        var transaction = NextTransaction();
        var message = PcccMessages.Read(dialect, range, transaction);
        using var answer = await Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false);
        if (PcccMessages.Take(answer.Reply, transaction, out var data) is not { } status) throw NoAnswer();
        if (!status.IsGood) return status;
        if (data.Length == range.Length)
        {
            data.CopyTo(into.Span);
            return status;
        }

        // It answers as much as goes into its packet: it is asked for no more from now on.
        if (data.Length >= SmallestFilePayload && data.Length < range.Length) FilePayload = Math.Min(FilePayload, data.Length);
        // So many elements where words were meant: these are its first.
        var isElements = dialect == PcccDialect.Plc5 && range.IsOfLargeElements && data.Length == range.Length / 2 * range.ElementSize;
        if (!isElements) return CipStatus.WrongLength;
        _dialect = PcccDialect.Plc5Elements;
        data[..range.Length].CopyTo(into.Span);
        return status;
    }
}
