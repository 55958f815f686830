using Parquet;
using Parquet.Schema;

namespace OeeOrleans.Gateway.Api.Export;

/// <summary>Apache Parquet, Snappy; a batch is a row group.</summary>
internal sealed class ParquetExport : IExportWriter
{
    private ParquetWriter? _writer;
    private DataField[] _fields = [];

    public string ContentType => "application/vnd.apache.parquet";

    public string Extension => "parquet";

    public async Task BeginAsync(Stream stream, IReadOnlyList<ExportColumn> columns, CancellationToken cancellationToken)
    {
        _fields = [.. columns.Select(Field)];
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Snappy };
        _writer = await ParquetWriter.CreateAsync(
            new ParquetSchema(_fields.Cast<Field>().ToArray()), stream, options, append: false, cancellationToken);
    }

    public async Task WriteAsync(ExportBatch batch, CancellationToken cancellationToken)
    {
        if (batch.Count == 0) return;
        using var group = _writer!.CreateRowGroup();
        for (var i = 0; i < _fields.Length; i++) await WriteAsync(group, _fields[i], batch, i, cancellationToken);
        group.CompleteValidate();
    }

    /// <summary>The footer.</summary>
    public async Task EndAsync(CancellationToken cancellationToken) => await _writer!.DisposeAsync();

    private static DataField Field(ExportColumn column) => column.Type switch
    {
        ExportType.Time => new DateTimeDataField(column.Name, DateTimeFormat.DateAndTimeMicros, isAdjustedToUTC: true, isNullable: true),
        ExportType.Text => new DataField(column.Name, typeof(string), isNullable: true),
        ExportType.Number => new DataField(column.Name, typeof(double), isNullable: true),
        _ => new DataField(column.Name, typeof(long), isNullable: true),
    };

    private static Task WriteAsync(
        ParquetRowGroupWriter group, DataField field, ExportBatch batch, int column, CancellationToken cancellationToken) =>
        batch.Columns[column].Type switch
        {
            ExportType.Time => group.WriteAsync<DateTime>(field, Times(batch.Integers(column)), null, null, cancellationToken),
            // The writer takes null for a text that is none.
            ExportType.Text => group.WriteAsync(field, batch.Texts(column)!),
            ExportType.Number => group.WriteAsync<double>(field, batch.Numbers(column).ToArray(), null, null, cancellationToken),
            _ => group.WriteAsync<long>(field, batch.Integers(column).ToArray(), null, null, cancellationToken),
        };

    private static ReadOnlyMemory<DateTime?> Times(IReadOnlyList<long?> micros) =>
        micros.Select(m => m is { } us ? Model.UnixMicros.ToDateTimeOffset(us).UtcDateTime : (DateTime?)null).ToArray();
}
