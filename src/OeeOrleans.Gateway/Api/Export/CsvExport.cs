using System.Buffers;
using System.Globalization;
using System.Text;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Api.Export;

/// <summary>
/// CSV (RFC 4180, UTF-8, header). A text that a spreadsheet would take for a formula has an apostrophe before it (OWASP, CSV injection).
/// </summary>
internal sealed class CsvExport : IExportWriter
{
    private static readonly SearchValues<char> NeedQuotes = SearchValues.Create(",\"\r\n");

    private readonly StringBuilder _text = new();
    private Stream _stream = Stream.Null;

    public string ContentType => "text/csv; charset=utf-8";

    public string Extension => "csv";

    public Task BeginAsync(Stream stream, IReadOnlyList<ExportColumn> columns, CancellationToken cancellationToken)
    {
        _stream = stream;
        _text.AppendJoin(',', columns.Select(c => c.Name)).Append("\r\n");
        return SendAsync(cancellationToken);
    }

    public Task WriteAsync(ExportBatch batch, CancellationToken cancellationToken)
    {
        for (var row = 0; row < batch.Count; row++)
        {
            for (var column = 0; column < batch.Columns.Count; column++)
            {
                if (column > 0) _text.Append(',');
                Append(batch, column, row);
            }

            _text.Append("\r\n");
        }

        return SendAsync(cancellationToken);
    }

    public Task EndAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Append(ExportBatch batch, int column, int row)
    {
        switch (batch.Columns[column].Type)
        {
            case ExportType.Time:
                if (batch.Integers(column)[row] is { } time) _text.Append(UnixMicros.ToIso(time));
                break;
            case ExportType.Integer:
                _text.Append(CultureInfo.InvariantCulture, $"{batch.Integers(column)[row]}");
                break;
            case ExportType.Number:
                _text.Append(CultureInfo.InvariantCulture, $"{batch.Numbers(column)[row]:R}");
                break;
            default:
                Append(batch.Texts(column)[row]);
                break;
        }
    }

    private void Append(string? text)
    {
        if (text is null) return;
        var isFormula = text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n';
        if (!isFormula && !text.AsSpan().ContainsAny(NeedQuotes))
        {
            // An empty text is not the same as none.
            _text.Append(text.Length == 0 ? "\"\"" : text);
            return;
        }

        _text.Append('"');
        if (isFormula) _text.Append('\'');
        _text.Append(text).Replace("\"", "\"\"", _text.Length - text.Length, text.Length).Append('"');
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        // Whole rows: no character is cut in two.
        var bytes = Encoding.UTF8.GetBytes(_text.ToString());
        _text.Clear();
        await _stream.WriteAsync(bytes, cancellationToken);
    }
}
