using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Postgres;

/// <summary>
/// Rows of `sample` in PostgreSQL's binary COPY format (documentation of COPY, "Binary Format"): written straight into a buffer, nothing
/// allocated per row.
/// </summary>
internal static class CopyFormat
{
    /// <summary>PostgreSQL counts microseconds from 2000-01-01.</summary>
    private const long EpochUs = 946_684_800L * 1_000_000;

    /// <summary>Columns, in the order of <see cref="Command"/>.</summary>
    public const string Columns = "signal_id, ts, value, text_value, quality, ingest_ts";

    /// <summary>Bytes of a row without its text: a count and six columns with their lengths.</summary>
    private const int FixedBytes = 2 + (4 + 4) + (4 + 8) + (4 + 8) + 4 + (4 + 2) + (4 + 8);

    public static string Command(string table) => $"copy {table}({Columns}) from stdin (format binary)";

    /// <summary>Signature, flags, length of the extension.</summary>
    public static readonly byte[] Header = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0];

    public static void WriteRow(IBufferWriter<byte> to, in SampleRow row)
    {
        var textBytes = row.Text is null ? 0 : Encoding.UTF8.GetByteCount(row.Text);
        var span = to.GetSpan(FixedBytes + textBytes);
        var at = 0;
        Int16(span, ref at, 6);
        Int32(span, ref at, 4);
        Int32(span, ref at, row.SignalId);
        Int32(span, ref at, 8);
        Int64(span, ref at, row.TimeUs - EpochUs);
        if (double.IsNaN(row.Value))
        {
            Int32(span, ref at, -1);
        }
        else
        {
            Int32(span, ref at, 8);
            BinaryPrimitives.WriteDoubleBigEndian(span[at..], row.Value);
            at += 8;
        }

        if (row.Text is null)
        {
            Int32(span, ref at, -1);
        }
        else
        {
            Int32(span, ref at, textBytes);
            at += Encoding.UTF8.GetBytes(row.Text, span[at..]);
        }

        Int32(span, ref at, 2);
        Int16(span, ref at, row.Quality);
        Int32(span, ref at, 8);
        Int64(span, ref at, row.IngestUs - EpochUs);
        to.Advance(at);
    }

    public static void WriteTrailer(IBufferWriter<byte> to)
    {
        BinaryPrimitives.WriteInt16BigEndian(to.GetSpan(2), -1);
        to.Advance(2);
    }

    private static void Int16(Span<byte> span, ref int at, short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(span[at..], value);
        at += 2;
    }

    private static void Int32(Span<byte> span, ref int at, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(span[at..], value);
        at += 4;
    }

    private static void Int64(Span<byte> span, ref int at, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(span[at..], value);
        at += 8;
    }
}
