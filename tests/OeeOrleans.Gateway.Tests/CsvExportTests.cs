using System.Text;
using OeeOrleans.Gateway.Api.Export;

namespace OeeOrleans.Gateway.Tests;

/// <summary>Cells of a CSV file.</summary>
public sealed class CsvExportTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "\"\"")]
    [InlineData(null, "")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("a\"b", "\"a\"\"b\"")]
    [InlineData("a\r\nb", "\"a\r\nb\"")]
    [InlineData("=1+1", "\"'=1+1\"")]
    [InlineData("+1", "\"'+1\"")]
    [InlineData("-1", "\"'-1\"")]
    [InlineData("@x", "\"'@x\"")]
    [InlineData("\t=1", "\"'\t=1\"")]
    [InlineData("\r=1", "\"'\r=1\"")]
    [InlineData("\n=1", "\"'\n=1\"")]
    [InlineData("=\"a\"&b", "\"'=\"\"a\"\"&b\"")]
    [InlineData("grün", "grün")]
    public async Task A_text_is_quoted_where_it_must_be_and_never_a_formula(string? text, string cell) =>
        Assert.Equal($"c\r\n{cell}\r\n", await CsvAsync(new ExportColumn("c", ExportType.Text), b => b.Add(text)));

    [Theory]
    [InlineData(-1.5, "-1.5")]
    [InlineData(1e300, "1E+300")]
    [InlineData(0.1, "0.1")]
    [InlineData(double.NaN, "")]
    [InlineData(double.PositiveInfinity, "")]
    public async Task A_number_is_as_exact_as_it_is_and_what_is_none_is_empty(double number, string cell) =>
        Assert.Equal($"c\r\n{cell}\r\n", await CsvAsync(new ExportColumn("c", ExportType.Number), b => b.Add((double?)number)));

    [Fact]
    public async Task A_time_is_iso_8601() => Assert.Equal(
        "c\r\n2026-01-05T06:00:00.000001Z\r\n",
        await CsvAsync(new ExportColumn("c", ExportType.Time), b => b.Add((long?)1_767_592_800_000_001)));

    private static async Task<string> CsvAsync(ExportColumn column, Action<ExportBatch> fill)
    {
        using var stream = new MemoryStream();
        var csv = new CsvExport();
        var batch = new ExportBatch([column]);
        fill(batch);
        await csv.BeginAsync(stream, [column], default);
        await csv.WriteAsync(batch, default);
        await csv.EndAsync(default);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
