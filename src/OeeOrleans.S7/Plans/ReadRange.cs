namespace OeeOrleans.S7.Plans;

/// <summary>Bytes of one area that are read together, for one address or several that lie close to each other.</summary>
/// <param name="Area">Where.</param>
/// <param name="Db">Of a data block.</param>
/// <param name="Start">First byte in the area; timers and counters have two each.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Tags">Indexes of the addresses in it.</param>
/// <param name="Unit">Bytes that are never torn apart where the range is split: an element of an array.</param>
internal sealed record ReadRange(S7Area Area, int Db, int Start, int Length, IReadOnlyList<int> Tags, int Unit)
{
    /// <summary>Where its bytes lie in the plan's buffer.</summary>
    public int At { get; set; }

    /// <summary>What the last reading said of it: the first of its pieces that was not good.</summary>
    public S7Status Status { get; set; }
}

/// <summary>As much of a range as one request asks for.</summary>
/// <param name="Range">Whose.</param>
/// <param name="Offset">From the range's start.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct ReadPiece(ReadRange Range, int Offset, int Length);

/// <summary>From addresses to ranges, and from ranges to requests.</summary>
internal static class ReadPacking
{
    /// <summary>Bytes between two addresses that cost less than a request's item and an answer's head.</summary>
    public const int LargestGap = 32;

    /// <summary>Bytes of one item at most: alone in an answer.</summary>
    public static int Payload(int pduLength) =>
        (pduLength - S7PduSizes.AnswerHead - S7PduSizes.AnswerItem) & ~1;

    /// <summary>Addresses that lie close together in one area and block become one range, as long as that fits into one answer.</summary>
    /// <param name="alone">Addresses that are read by themselves, because a range with them failed.</param>
    public static List<ReadRange> Ranges(IReadOnlyList<S7Address> addresses, IReadOnlySet<int> alone, int pduLength)
    {
        var ranges = new List<ReadRange>();
        var payload = Payload(pduLength);
        var order = Enumerable.Range(0, addresses.Count)
            .OrderBy(i => addresses[i].Area).ThenBy(i => addresses[i].Db).ThenBy(i => addresses[i].ByteStart).ToList();
        var (tags, end) = (new List<int>(), 0);
        foreach (var index in order)
        {
            var address = addresses[index];
            var isClose = tags.Count > 0 && addresses[tags[0]] is var first && first.Area == address.Area && first.Db == address.Db
                && address.ByteStart - end <= GapOf(address.Area)
                && Math.Max(end, address.ByteStart + address.ByteLength) - first.ByteStart <= payload
                && !alone.Contains(index) && !alone.Contains(tags[0]);
            if (!isClose)
            {
                Close(ranges, addresses, tags, end);
                tags = [];
                end = 0;
            }

            tags.Add(index);
            end = Math.Max(end, address.ByteStart + address.ByteLength);
        }

        Close(ranges, addresses, tags, end);
        return ranges;
    }

    /// <summary>Fills requests so that request and answer fit into a PDU, large pieces first.</summary>
    public static List<List<ReadPiece>> Requests(IReadOnlyList<ReadRange> ranges, int pduLength, int maxItems)
    {
        var requests = new List<(List<ReadPiece> Pieces, int Answer)>();
        var items = Math.Min(maxItems, (pduLength - S7PduSizes.RequestHead) / S7PduSizes.RequestItem);
        foreach (var piece in ranges.SelectMany(r => Pieces(r, Payload(pduLength))).OrderByDescending(p => p.Length))
        {
            var size = S7PduSizes.AnswerItem + S7PduSizes.Even(piece.Length);
            var found = requests.FindIndex(r => r.Pieces.Count < items && r.Answer + size <= pduLength);
            if (found < 0)
            {
                requests.Add(([piece], S7PduSizes.AnswerHead + size));
                continue;
            }

            requests[found].Pieces.Add(piece);
            requests[found] = (requests[found].Pieces, requests[found].Answer + size);
        }

        return requests.ConvertAll(r => r.Pieces);
    }

    private static int GapOf(S7Area area) => area is S7Area.Timers or S7Area.Counters ? 0 : LargestGap;

    private static void Close(List<ReadRange> ranges, IReadOnlyList<S7Address> addresses, List<int> tags, int end)
    {
        if (tags.Count == 0) return;
        var first = addresses[tags[0]];
        var unit = tags.Count == 1 && first.Type != S7DataType.Bool ? first.Stride : 1;
        ranges.Add(new ReadRange(first.Area, first.Db, first.ByteStart, end - first.ByteStart, tags, unit));
    }

    private static IEnumerable<ReadPiece> Pieces(ReadRange range, int payload)
    {
        // An element that is larger than an answer cannot be had in one piece.
        var unit = range.Unit <= payload ? range.Unit : 1;
        if (range.Area is S7Area.Timers or S7Area.Counters) unit = 2;
        var most = payload / unit * unit;
        for (var at = 0; at < range.Length; at += most) yield return new ReadPiece(range, at, Math.Min(most, range.Length - at));
    }
}

/// <summary>Bytes of the parts of a PDU that limit how much fits.</summary>
internal static class S7PduSizes
{
    public const int RequestHead = Wire.S7Pdu.JobHeader + Wire.S7Pdu.ReadWriteParameters;
    public const int RequestItem = Wire.S7Pdu.ItemLength;
    public const int AnswerHead = Wire.S7Pdu.AnswerHeader + Wire.S7Pdu.ReadWriteParameters;
    public const int AnswerItem = Wire.S7Pdu.DataItemHeader;

    public static int Even(int length) => Wire.S7Pdu.Even(length);
}
