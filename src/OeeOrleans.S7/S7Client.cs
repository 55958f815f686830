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
    private int _maxItems;

    private S7Client(S7Link link, int maxItems) => (_link, _maxItems) = (link, maxItems);

    /// <summary>Bytes of a PDU, as the PLC grants it.</summary>
    public int PduLength => _link.PduLength;

    /// <summary>Requests in flight, as the PLC grants them.</summary>
    public int Jobs => _link.Jobs;

    /// <summary>Done when the connection is over, with the reason.</summary>
    public Task<S7Exception> Closed => _link.Closed;

    /// <exception cref="S7Exception">There is no PLC, it refuses, or does not answer in time; the message says what to look at.</exception>
    public static async Task<S7Client> ConnectAsync(S7ClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new S7Client(await S7Link.OpenAsync(options, cancellationToken).ConfigureAwait(false), options.ItemsPerRequest);
    }

    /// <summary>Closes the connection: the PLC's place is free at once.</summary>
    public ValueTask DisposeAsync() => _link.DisposeAsync();

    /// <summary>Prepares reading these addresses again and again.</summary>
    public S7ReadPlan Plan(IReadOnlyList<S7Address> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        return new S7ReadPlan(addresses, PduLength, _maxItems);
    }

    /// <summary>Reads once; one result for each address, in their order.</summary>
    /// <exception cref="S7Exception">The connection is over, or the PLC refuses reading altogether.</exception>
    public async Task<IReadOnlyList<S7Result>> ReadAsync(IReadOnlyList<S7Address> addresses, CancellationToken cancellationToken = default)
    {
        var plan = Plan(addresses);
        await ReadAsync(plan, cancellationToken).ConfigureAwait(false);
        return [.. addresses.Select((a, i) => ResultOf(plan, a, i))];
    }

    /// <summary>Reads all addresses of a plan; what became of each stands in the plan.</summary>
    /// <exception cref="S7Exception">The connection is over, or the PLC refuses reading altogether.</exception>
    public async ValueTask ReadAsync(S7ReadPlan plan, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Begin();
        try
        {
            // Read again where a PLC answered fewer items than it was asked for, and where a merged range has to be taken apart.
            while (!await TryReadAsync(plan, cancellationToken).ConfigureAwait(false)) plan.Build(PduLength, _maxItems);
            if (!plan.Dissolve(PduLength, _maxItems)) return;
            while (!await TryReadAsync(plan, cancellationToken).ConfigureAwait(false)) plan.Build(PduLength, _maxItems);
        }
        finally
        {
            plan.End();
        }
    }

    /// <summary>False when the PLC takes fewer items than the plan has in a request.</summary>
    private async ValueTask<bool> TryReadAsync(S7ReadPlan plan, CancellationToken cancellationToken)
    {
        foreach (var range in plan.Ranges) range.Status = S7Status.Good;
        var count = plan.Requests.Count;
        var answers = ArrayPool<ValueTask<S7Answer>>.Shared.Rent(count);
        var frame = ArrayPool<byte>.Shared.Rent(S7Pdu.Prefix + PduLength);
        var (sent, fewest, failure) = (0, int.MaxValue, (Exception?)null);
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
            }
        }

        ArrayPool<byte>.Shared.Return(frame);
        ArrayPool<ValueTask<S7Answer>>.Shared.Return(answers, clearArray: true);
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        if (fewest == int.MaxValue) return true;
        _maxItems = Math.Min(_maxItems, fewest);
        return false;
    }

    private static S7Result ResultOf(S7ReadPlan plan, S7Address address, int index)
    {
        var status = plan.StatusOf(index);
        if (status != S7Status.Good) return new S7Result(address, null, status, S7Errors.Sentence(status));
        try
        {
            return new S7Result(address, plan.ValueOf(index), status, null);
        }
        catch (FormatException error)
        {
            return new S7Result(address, null, status, error.Message);
        }
    }
}
