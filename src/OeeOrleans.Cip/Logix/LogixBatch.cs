using System.Buffers.Binary;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Logix;

/// <summary>Items that are read by one request: a Multiple Service Packet (1756-PM020), or a plain one of a single item.</summary>
internal sealed class LogixBatch
{
    /// <summary>Service, path and count.</summary>
    private const int RequestHead = 8;
    private const int AnswerHead = CipReply.Head + 2;
    private const int OffsetLength = 2;

    /// <summary>Of one item with the counters in front, without its path.</summary>
    public const int SmallestRequest = RequestHead + GuardRequest + 12;

    /// <summary>The question for the counters, and its answer.</summary>
    private const int GuardRequest = OffsetLength + 18;
    private const int GuardAnswer = OffsetLength + CipReply.Head + 40;

    /// <summary>A controller answers no more in one packet, whatever its size.</summary>
    private const int MostItems = 200;
    private readonly CipMessage _message;

    private LogixBatch(List<LogixItem> items, bool isGuarded)
    {
        (Items, IsGuarded) = (items, isGuarded);
        _message = new CipMessage(RequestHead + GuardRequest + items.Sum(RequestLength));
        if (!IsMultiple)
        {
            Read(_message, items[0]);
            return;
        }

        var count = items.Count + (isGuarded ? 1 : 0);
        _message.Service(Eip.MultipleService, Eip.MessageRouter).Word(count);
        // Offsets count from the number of services.
        var offset = OffsetLength + (count * OffsetLength);
        if (isGuarded)
        {
            _message.Word(offset);
            offset += TagTable.CountersRequest.Length;
        }

        foreach (var item in items)
        {
            _message.Word(offset);
            offset += RequestLength(item) - OffsetLength;
        }

        if (isGuarded) _message.Bytes(TagTable.CountersRequest);
        foreach (var item in items) Read(_message, item);
    }

    /// <summary>The controller's counters are asked for in front: what is read by number is only right while they are what they
    /// were.</summary>
    public bool IsGuarded { get; }

    public IReadOnlyList<LogixItem> Items { get; }

    public ReadOnlyMemory<byte> Message => _message.Memory;

    public bool IsMultiple => Items.Count > 1 || IsGuarded;

    /// <summary>Fills requests so that neither they nor their answers are larger than a message may be.</summary>
    /// <param name="items">In their order.</param>
    /// <param name="size">Bytes of a message.</param>
    /// <param name="takesMultiple">Whether several go into one.</param>
    /// <param name="isGuarded">Whether items are addressed by number.</param>
    public static List<LogixBatch> Build(IEnumerable<LogixItem> items, int size, bool takesMultiple, bool isGuarded)
    {
        var batches = new List<LogixBatch>();
        var (headRequest, headAnswer) = (RequestHead + (isGuarded ? GuardRequest : 0), AnswerHead + (isGuarded ? GuardAnswer : 0));
        var (some, request, answer) = (new List<LogixItem>(), headRequest, headAnswer);
        foreach (var item in items)
        {
            var (its, reply) = (RequestLength(item), OffsetLength + CipReply.Head + item.AnswerLength);
            var isFull = request + its > size || answer + reply > size || some.Count >= MostItems || !takesMultiple || item.IsAlone;
            if (some.Count > 0 && (isFull || some[0].IsAlone))
            {
                batches.Add(new LogixBatch(some, isGuarded));
                (some, request, answer) = ([], headRequest, headAnswer);
            }

            some.Add(item);
            (request, answer) = (request + its, answer + reply);
        }

        if (some.Count > 0) batches.Add(new LogixBatch(some, isGuarded));
        return batches;
    }

    private static CipMessage Read(CipMessage message, LogixItem item) => message.Service(Eip.ReadTag, item.Path).Word(item.Elements);

    /// <summary>The answers of a packet, one after the other.</summary>
    /// <param name="data">Of the whole answer.</param>
    /// <param name="index">Which.</param>
    /// <returns>Empty when there is none.</returns>
    public static ReadOnlySpan<byte> AnswerOf(ReadOnlySpan<byte> data, int index)
    {
        if (data.Length < 2) return [];
        int count = BinaryPrimitives.ReadUInt16LittleEndian(data);
        if (index >= count || data.Length < OffsetLength * (count + 1)) return [];
        var from = OffsetOf(data, index);
        var to = index + 1 < count ? OffsetOf(data, index + 1) : data.Length;
        return from < OffsetLength * (count + 1) || to > data.Length || to - from < CipReply.Head ? [] : data[from..to];
    }

    private static int OffsetOf(ReadOnlySpan<byte> data, int index) =>
        BinaryPrimitives.ReadUInt16LittleEndian(data[(OffsetLength * (index + 1))..]);

    private static int RequestLength(LogixItem item) => OffsetLength + 2 + item.Path.Length + 2;
}
