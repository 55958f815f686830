namespace OeeOrleans.Gateway.Api.Export;

/// <summary>Writes batches of rows in a format, in order.</summary>
internal interface IExportWriter
{
    string ContentType { get; }

    /// <summary>Of a file with this format, without the dot.</summary>
    string Extension { get; }

    /// <summary>Called once, before all others.</summary>
    Task BeginAsync(Stream stream, IReadOnlyList<ExportColumn> columns, CancellationToken cancellationToken);

    Task WriteAsync(ExportBatch batch, CancellationToken cancellationToken);

    /// <summary>Without it what was written is no whole file.</summary>
    Task EndAsync(CancellationToken cancellationToken);
}

/// <summary>Formats by name.</summary>
internal static class ExportFormats
{
    public static readonly string[] Names = ["csv", "parquet", "arrow"];

    public static IExportWriter Of(string name) => name switch
    {
        "parquet" => new ParquetExport(),
        "arrow" => new ArrowExport(),
        _ => new CsvExport(),
    };
}
