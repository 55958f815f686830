using System.Text.Json;
using CsCheck;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Commands.Tests;

/// <summary>Whether a value may be written to a tag.</summary>
public sealed class WriteCheckTests
{
    private static readonly TagMapping Speed = new("Speed", "setpoint.speed")
    {
        Write = new WriteLimits { Min = 0, Max = 100, Step = 10, States = [StateCategory.Run, StateCategory.SmallStop] },
    };

    private static readonly TagMapping Bare = new("Flag", "flag") { Write = new WriteLimits() };

    [Theory]
    [InlineData("50", "Double", null)]
    [InlineData("0", "Double", null)]
    [InlineData("100", "Int32", null)]
    [InlineData("100.5", "Double", "100.5 is more than 100")]
    [InlineData("-0.5", "Double", "-0.5 is less than 0")]
    [InlineData("50.5", "Int32", "50.5 is no whole number")]
    [InlineData("1e999", "Double", "beyond what a number may be")]
    [InlineData("true", "Double", "must be a number, as this metric is (Double)")]
    [InlineData("\"50\"", "Double", "must be a number")]
    [InlineData("null", "Double", "is a number, true, false or a text")]
    [InlineData("[1]", "Double", "is a number, true, false or a text")]
    [InlineData("true", "Boolean", "limits of numbers")]
    public void A_number_must_be_one_and_within_its_limits(string value, string datatype, string? wrong) =>
        Same(wrong, WriteCheck.WrongValue(Speed, Json(value), datatype));

    [Theory]
    [InlineData("true", "Boolean", null)]
    [InlineData("1", "Boolean", "must be true or false")]
    [InlineData("\"a\"", "String", null)]
    [InlineData("1", "String", "must be a text")]
    [InlineData("\"\\ud800\"", "String", "half a character")]
    [InlineData("0.00000000000000000000000000000000000000000000000000000000000000001", "Double", "a number of 67 characters")]
    public void A_value_is_of_the_metrics_type(string value, string datatype, string? wrong) =>
        Same(wrong, WriteCheck.WrongValue(Bare, Json(value), datatype));

    [Fact]
    public void A_text_has_a_length() => Assert.Contains(
        "1001 characters", WriteCheck.WrongValue(Bare, Json(JsonSerializer.Serialize(new string('x', 1_001))), "String"),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(StateCategory.Run, null)]
    [InlineData(StateCategory.SmallStop, null)]
    [InlineData(StateCategory.Stop, "it is stop")]
    [InlineData(null, "it is not known")]
    public void It_is_written_in_the_states_that_it_may_be(StateCategory? category, string? not) =>
        Same(not, WriteCheck.WhyNotNow(Speed, Json("50"), Now(45), category));

    [Theory]
    [InlineData(60, 50, null)]
    [InlineData(40, 50, null)]
    [InlineData(60.01, 50, "from 50 to 60.01 is 10.01")]
    [InlineData(39.99, 50, "from 50 to 39.99 is 10.01")]
    [InlineData(0.3, 10.3, null)]
    public void It_is_changed_by_a_step_at_most(double to, double from, string? not) =>
        Same(not, WriteCheck.WhyNotNow(Speed, JsonSerializer.SerializeToElement(to), Now(from), StateCategory.Run));

    [Theory]
    [InlineData(Quality.Bad)]
    [InlineData(Quality.Uncertain)]
    public void A_step_needs_a_good_value_to_count_from(short quality)
    {
        Same("shows no good value now", WriteCheck.WhyNotNow(Speed, Json("50"), Now(50, quality), StateCategory.Run));
        Same("shows no good value now", WriteCheck.WhyNotNow(Speed, Json("50"), null, StateCategory.Run));
    }

    [Fact]
    public void Without_limits_any_value_may_be_written_whatever_the_machine_does() =>
        Assert.Null(WriteCheck.WhyNotNow(Bare, Json("true"), null, null));

    [Theory]
    [InlineData(0.1, 0, "0.3", "Int32", "3")]
    [InlineData(2, 1, "4", "Double", "1.5")]
    [InlineData(2, 1, "4", "Int32", null)]
    [InlineData(1, 0, "9007199254740993", "Int64", "9007199254740993")]
    [InlineData(1, 0, "18446744073709551615", "UInt64", "18446744073709551615")]
    [InlineData(1, 0, "true", "Boolean", "true")]
    [InlineData(1, 0, "3.0", "Int32", "3")]
    [InlineData(1, 0, "600000000.4", "Int64", null)]
    [InlineData(1, 0, "5000000.004", "Double", "5000000.004")]
    public void A_value_goes_out_in_the_units_of_its_metric(double scale, double offset, string value, string datatype, string? raw) =>
        Assert.Equal(raw, WriteCheck.Raw(new TagMapping("m", "s", scale, offset), Json(value), datatype));

    [Fact]
    public void What_goes_out_scaled_comes_back_as_it_was() =>
        Gen.Select(Gen.Double[-1e6, 1e6], Gen.Double[0.001, 1_000], Gen.Double[-1_000, 1_000]).Sample((value, scale, offset) =>
        {
            var raw = WriteCheck.Raw(new TagMapping("m", "s", scale, offset), JsonSerializer.SerializeToElement(value), "Double")!;
            var back = (double.Parse(raw, System.Globalization.CultureInfo.InvariantCulture) * scale) + offset;
            Assert.InRange(back, value - Tolerance(value), value + Tolerance(value));
        });

    [Theory]
    [InlineData(1.5, null, "Double", "1.5")]
    [InlineData(1.0, null, "Boolean", "true")]
    [InlineData(0.0, null, "Boolean", "false")]
    [InlineData(null, "a\"b", "String", "\"a\\u0022b\"")]
    [InlineData(9007199254740992.0, "9007199254740993", "Int64", "9007199254740993")]
    public void What_a_signal_shows_is_JSON_of_its_type(double? value, string? text, string datatype, string shown) =>
        Assert.Equal(shown, WriteCheck.Shown(new SignalNow("s", datatype, null, 1, value, text, Quality.Good)));

    private static double Tolerance(double value) => 1e-3 + (Math.Abs(value) * 1e-8);

    private static void Same(string? expected, string? found)
    {
        if (expected is null) Assert.Null(found);
        else Assert.Contains(expected, found, StringComparison.Ordinal);
    }

    private static SignalNow Now(double value, short quality = Quality.Good) => new("s", "Double", null, 1, value, null, quality);

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
