using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Api.Export;

/// <summary>Apache Arrow, the streaming format of its IPC; a batch is a record batch.</summary>
internal sealed class ArrowExport : IExportWriter
{
    private static readonly TimestampType Timestamp = new(TimeUnit.Microsecond, "UTC");

    private ArrowStreamWriter? _writer;
    private Schema _schema = new([], null);

    public string ContentType => "application/vnd.apache.arrow.stream";

    public string Extension => "arrows";

    public Task BeginAsync(Stream stream, IReadOnlyList<ExportColumn> columns, CancellationToken cancellationToken)
    {
        _schema = new Schema(columns.Select(c => new Field(c.Name, TypeOf(c.Type), nullable: true)), null);
        _writer = new ArrowStreamWriter(stream, _schema, leaveOpen: true);
        return _writer.WriteStartAsync(cancellationToken);
    }

    public async Task WriteAsync(ExportBatch batch, CancellationToken cancellationToken)
    {
        var arrays = batch.Columns.Select((c, i) => ArrayOf(c.Type, batch, i)).ToList();
        using var records = new RecordBatch(_schema, arrays, batch.Count);
        await _writer!.WriteRecordBatchAsync(records, cancellationToken);
    }

    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _writer!.WriteEndAsync(cancellationToken);
        _writer.Dispose();
    }

    private static ArrowType TypeOf(ExportType type) => type switch
    {
        ExportType.Time => Timestamp,
        ExportType.Text => StringType.Default,
        ExportType.Number => DoubleType.Default,
        _ => Int64Type.Default,
    };

    private static IArrowArray ArrayOf(ExportType type, ExportBatch batch, int column)
    {
        switch (type)
        {
            case ExportType.Time:
                var times = new TimestampArray.Builder(Timestamp);
                foreach (var time in batch.Integers(column))
                {
                    if (time is { } us) times.Append(UnixMicros.ToDateTimeOffset(us));
                    else times.AppendNull();
                }

                return times.Build();
            case ExportType.Text:
                return new StringArray.Builder().AppendRange(batch.Texts(column)).Build();
            case ExportType.Number:
                var numbers = new DoubleArray.Builder();
                foreach (var number in batch.Numbers(column)) numbers.Append(number);
                return numbers.Build();
            default:
                var integers = new Int64Array.Builder();
                foreach (var integer in batch.Integers(column)) integers.Append(integer);
                return integers.Build();
        }
    }
}
