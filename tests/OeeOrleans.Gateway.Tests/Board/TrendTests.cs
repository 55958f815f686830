using System.Runtime.InteropServices;
using OeeOrleans.Gateway.Board;
using OeeOrleans.Gateway.Board.Trends;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Tests.Board;

public sealed class TrendTests
{
    private static readonly TrendSignal Pressure = new("filler1", "process.pressure");

    [Theory]
    [InlineData("filler1:process.pressure", "filler1", "process.pressure")]
    [InlineData("filler1:Area 1/Press:PV", "filler1", "Area 1/Press:PV")]
    public void An_address_names_a_machine_and_a_signal_whatever_the_signal_is_called(string text, string machine, string name) =>
        Assert.Equal(new TrendSignal(machine, name), TrendSignal.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("filler1")]
    [InlineData(":x")]
    [InlineData("filler1:")]
    public void What_names_no_signal_is_none(string text) => Assert.Null(TrendSignal.Parse(text));

    [Fact]
    public void Each_signal_is_drawn_once_and_eight_at_most()
    {
        var signals = TrendSignal.ParseAll([.. Enumerable.Range(0, 20).Select(i => $"m:s{i / 2}"), null]);
        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"m:s{i}"), signals.Select(s => s.Key));
    }

    [Fact]
    public void A_bad_sample_is_no_number_and_counts_in_no_figure()
    {
        var curve = Curve(true, Sample(1_000, 2), Sample(2_000, 99, Quality.Bad), Sample(3_000, 4));
        Assert.Equal([1.0, 2, 3], Numbers(curve)[..3]);
        Assert.Equal([2.0, double.NaN, 4], Numbers(curve)[3..6]);
        Assert.Equal(new TrendFigures(2, 3, 4, 4), curve.Figures);
        Assert.Equal(3, curve.Samples);
    }

    [Fact]
    public void The_mean_of_buckets_weighs_their_samples_and_least_and_greatest_are_theirs()
    {
        var curve = Curve(
            false, new TrendPoint(1_000, 0, 10, 4, 1, 2, null, 3, Quality.Good),
            new TrendPoint(2_000, 5, 30, 8, 6, 7, null, 1, Quality.Good));
        Assert.Equal(new TrendFigures(0, 5, 30, 7), curve.Figures);
        Assert.Equal([4.0, 8, 0, 5, 10, 30], Numbers(curve)[2..]);
        Assert.Equal(4, curve.Samples);
    }

    [Fact]
    public void Figures_are_those_of_the_span_that_is_looked_at_not_of_what_was_read_around_it()
    {
        var trend = new Trend([Sample(0, -100), Sample(5_000, 1), Sample(9_999, 3), Sample(10_000, 100)], true);
        var curve = TrendCurve.Of(Pressure, "", "bar", 0, trend, 5_000, 10_000);
        Assert.Equal((2, new TrendFigures(1, 2, 3, 3)), (curve.Samples, curve.Figures));
        Assert.Equal(4, curve.Points);
    }

    [Fact]
    public void A_signal_of_words_has_words_and_no_figures()
    {
        var curve = Curve(
            true, new TrendPoint(0, null, null, null, null, null, "A100", 1, Quality.Good),
            new TrendPoint(1, null, null, null, null, null, null, 1, Quality.Bad));
        Assert.Equal(["A100", null], curve.Texts);
        Assert.Null(curve.Figures);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.5, "-0.5")]
    [InlineData(0.00012, "0.00012")]
    [InlineData(0.0000123, "1.23E-5")]
    [InlineData(2.4123456, "2.41235")]
    [InlineData(1488439.25, "1\u202F488\u202F439")]
    [InlineData(12345678901.0, "1.2346E+10")]
    [InlineData(double.NaN, "–")]
    public void A_number_is_read_at_a_glance(double value, string text) => Assert.Equal(text, Format.Number(value));

    private static TrendPoint Sample(long us, double value, short quality = Quality.Good) =>
        new(us, value, value, value, value, value, null, 1, quality);

    private static TrendCurve Curve(bool raw, params TrendPoint[] points) =>
        TrendCurve.Of(Pressure, "", "bar", 0, new Trend(points, raw), 0, 1_000_000);

    private static double[] Numbers(TrendCurve curve) => MemoryMarshal.Cast<byte, double>(curve.Data).ToArray();
}
