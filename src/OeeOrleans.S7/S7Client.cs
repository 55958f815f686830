using System.Buffers;
using OeeOrleans.S7.Plans;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7;

/// <summary>A value read, or why there is none.</summary>
/// <param name="Address">Of what.</param>
/// <param name="Value">As <see cref="S7Codec.Decode"/> gives it; null when it is not good.</param>
/// <param name="Status">The PLC's word.</param>
/// <param name="Error">A sentence; null when it is good.</param>
public sealed record S7Result(S7Address Address, object? Value, S7Status Status, string? Error);

/// <summary>
/// One connection to one PLC. Requests of many callers share it, several in flight at a time. When it is lost it stays lost: whoever owns
/// it makes another (<see cref="Closed"/> tells), because only he knows how often that should be tried.
/// </summary>
public sealed partial class S7Client : IAsyncDisposable
{
    private readonly S7Link _link;
    private const int SmallestPdu = 240;
    private const ushort TooLarge = 0x8500;

    private int _maxItems;

    /// <summary>As much of the granted length as the PLC really takes.</summary>
    private int _pduLength;

    private S7Client(S7Link link, int maxItems) => (_link, _maxItems, _pduLength) = (link, maxItems, link.PduLength);

    /// <summary>Bytes of a PDU, as the PLC grants it.</summary>
    public int PduLength => _link.PduLength;

    /// <summary>Requests in flight, as the PLC grants them.</summary>
    public int Jobs => _link.Jobs;

    /// <summary>Done when the connection is over, with the reason.</summary>
    public Task<S7Exception> Closed => _link.Closed;

    /// <exception cref="S7Exception">There is no PLC, it refuses, or does not answer in time; the message says what to look at.</exception>
    /// <exception cref="ArgumentException">The options cannot be used.</exception>
    public static async Task<S7Client> ConnectAsync(S7ClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return new S7Client(await S7Link.OpenAsync(options, cancellationToken).ConfigureAwait(false), options.ItemsPerRequest);
    }

    /// <summary>Closes the connection: the PLC's place is free at once.</summary>
    public ValueTask DisposeAsync() => _link.DisposeAsync();

    /// <summary>Prepares reading these addresses again and again.</summary>
    public S7ReadPlan Plan(IReadOnlyList<S7Address> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        return new S7ReadPlan(this, addresses, _pduLength, _maxItems);
    }

    /// <summary>Reads once; one result for each address, in their order.</summary>
    /// <exception cref="S7Exception">The connection is over, or the PLC refuses reading altogether.</exception>
    public async Task<IReadOnlyList<S7Result>> ReadAsync(IReadOnlyList<S7Address> addresses, CancellationToken cancellationToken = default)
    {
        var plan = Plan(addresses);
        await ReadAsync(plan, cancellationToken).ConfigureAwait(false);
        return [.. addresses.Select((_, i) => plan.ResultOf(i))];
    }

    /// <summary>Reads all addresses of a plan; what became of each stands in the plan.</summary>
    /// <remarks>A request that is under way is waited for, at most <see cref="S7ClientOptions.Timeout"/>, whatever is cancelled.</remarks>
    /// <exception cref="S7Exception">The connection is over, or the PLC refuses reading altogether.</exception>
    /// <exception cref="InvalidOperationException">The plan is another client's, or is being read already.</exception>
    public async ValueTask ReadAsync(S7ReadPlan plan, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (!ReferenceEquals(plan.Owner, this)) throw new InvalidOperationException("this plan was made by another client: a connection "
            + "has its own");
        plan.Begin();
        var isRead = false;
        try
        {
            plan.Reunite(_pduLength, _maxItems);
            // Read again where a PLC takes less than it was asked for, and where a merged range has to be taken apart.
            while (!await TryReadAsync(plan, cancellationToken).ConfigureAwait(false)) plan.Build(_pduLength, _maxItems);
            if (plan.Dissolve(_pduLength, _maxItems))
            {
                while (!await TryReadAsync(plan, cancellationToken).ConfigureAwait(false)) plan.Build(_pduLength, _maxItems);
            }

            isRead = true;
        }
        finally
        {
            plan.End(isRead);
        }
    }

    /// <summary>False when the PLC takes fewer items, or a smaller PDU, than the plan has in a request.</summary>
    private async ValueTask<bool> TryReadAsync(S7ReadPlan plan, CancellationToken cancellationToken)
    {
        plan.SetAll(S7Status.Good);
        var count = plan.Requests.Count;
        var answers = ArrayPool<ValueTask<S7Answer>>.Shared.Rent(count);
        var frame = ArrayPool<byte>.Shared.Rent(S7Pdu.Prefix + PduLength);
        var (sent, fewest, failure, isTooLarge) = (0, int.MaxValue, (Exception?)null, false);
        try
        {
            for (; sent < count; sent++)
            {
                var length = ReadMessages.Write(frame, plan.Requests[sent]);
                answers[sent] = await _link.SendAsync(frame.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is S7Exception or OperationCanceledException)
        {
            failure = error;
        }

        // Every answer is taken, also after a failure: each holds a buffer.
        for (var i = 0; i < sent; i++)
        {
            try
            {
                using var answer = _link.Accepted(await answers[i].ConfigureAwait(false));
                fewest = Math.Min(fewest, ReadMessages.Take(answer, plan, plan.Requests[i], _link));
            }
            catch (S7Exception error)
            {
                failure ??= error;
                isTooLarge |= error.Code == TooLarge;
            }
        }

        ArrayPool<byte>.Shared.Return(frame);
        ArrayPool<ValueTask<S7Answer>>.Shared.Return(answers, clearArray: true);
        // Some claim more than they serve.
        if (isTooLarge && _pduLength > SmallestPdu && !_link.Closed.IsCompleted)
        {
            _pduLength = Math.Max(SmallestPdu, _pduLength / 2);
            return false;
        }

        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        if (fewest == int.MaxValue) return true;
        _maxItems = Math.Min(_maxItems, fewest);
        return false;
    }
}
