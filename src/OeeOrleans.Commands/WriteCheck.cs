using System.Globalization;
using System.Text.Json;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Commands;

/// <summary>Whether a value may be written to a tag. Pure; asked when a write is asked for, and again when it is to be sent.</summary>
internal static class WriteCheck
{
    /// <summary>Longer texts are no set points.</summary>
    public const int MaxText = 1_000;

    private const int MaxNumber = 64;
    private const double WholeWithin = 1e-6;
    private const double StepWithin = 1e-9;

    /// <summary>What is wrong with the value itself; null when nothing is.</summary>
    /// <param name="datatype">Of the signal, as Sparkplug calls it.</param>
    public static string? WrongValue(TagMapping tag, JsonElement value, string datatype)
    {
        if (value.ValueKind == JsonValueKind.Number && value.GetRawText().Length > MaxNumber)
        {
            return $"'value' is a number of {value.GetRawText().Length} characters; {MaxNumber} are possible";
        }

        if (value.ValueKind == JsonValueKind.String && TextOf(value) is null) return "'value' is no text: it has half a character in it";
        if (value.ValueKind is not (JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False or JsonValueKind.String))
        {
            return "'value' is a number, true, false or a text";
        }

        if (WrongKind(value, datatype) is { } kind) return kind;
        var limits = tag.Write!;
        if (value.ValueKind != JsonValueKind.Number)
        {
            var isBare = limits is { Min: null, Max: null, Step: null };
            if (!isBare) return $"'{tag.Signal}' has limits of numbers, so 'value' must be one";
            return value.ValueKind == JsonValueKind.String && value.GetString()!.Length > MaxText
                ? $"'value' has {value.GetString()!.Length} characters; {MaxText} are possible"
                : null;
        }

        var number = value.GetDouble();
        if (!double.IsFinite(number)) return $"{value.GetRawText()} is beyond what a number may be";
        if (number < limits.Min) return $"{Text(number)} is less than {Text(limits.Min.Value)}, the least for '{tag.Signal}'";
        if (number > limits.Max) return $"{Text(number)} is more than {Text(limits.Max.Value)}, the most for '{tag.Signal}'";
        return Raw(tag, value, datatype) is null ? $"{Text(number)} is no whole number, as '{tag.Signal}' is ({datatype})" : null;
    }

    /// <summary>Why it may not be written as things are; null when it may.</summary>
    /// <param name="now">The signal as it was said last; null: it never was.</param>
    /// <param name="category">What the machine does; null: nobody knows.</param>
    public static string? WhyNotNow(TagMapping tag, JsonElement value, SignalNow? now, StateCategory? category)
    {
        var limits = tag.Write!;
        if (limits.States.Count > 0 && (category is not { } state || !limits.States.Contains(state)))
        {
            return $"'{tag.Signal}' may be written in the states {string.Join(", ", limits.States.Select(s => s.Name()))} of its machine; "
                + $"it is {category?.Name() ?? "not known"}";
        }

        if (limits.Step is not { } step) return null;
        if (now is not { Value: { } shown } || !IsGood(now))
        {
            return $"'{tag.Signal}' may be changed by {Text(step)} at a time, and shows no good value now to count from";
        }

        var change = Math.Abs(value.GetDouble() - shown);
        return change <= step * (1 + StepWithin)
            ? null
            : $"'{tag.Signal}' may be changed by {Text(step)} at a time; from {Text(shown)} to {Text(value.GetDouble())} is {Text(change)}";
    }

    /// <summary>The value in the metric's units, JSON; null when a whole number is needed and it is none.</summary>
    public static string? Raw(TagMapping tag, JsonElement value, string datatype)
    {
        if (value.ValueKind != JsonValueKind.Number) return value.GetRawText();
        var isPlain = tag is { Scale: 1, Offset: 0 };
        // What is not scaled is what was approved, to its last digit.
        if (isPlain && (!IsWhole(datatype) || value.TryGetInt64(out _) || value.TryGetUInt64(out _))) return value.GetRawText();
        var raw = isPlain ? value.GetDouble() : (value.GetDouble() - tag.Offset) / tag.Scale;
        if (!IsWhole(datatype)) return raw.ToString("R", CultureInfo.InvariantCulture);
        // 0.3 with a scale of 0.1 is 3, and not 2.9999999999999996.
        var whole = Math.Round(raw);
        return Math.Abs(raw - whole) <= WholeWithin && Math.Abs(whole) < 1e15
            ? ((long)whole).ToString(CultureInfo.InvariantCulture)
            : null;
    }

    /// <summary>What a signal shows, JSON; null: nothing good.</summary>
    public static string? Shown(SignalNow? now)
    {
        if (now is null || !IsGood(now)) return null;
        // A whole number beyond what a double holds exactly.
        if (now.Text is not null && IsWhole(now.DataType)) return now.Text;
        if (now.Text is not null) return JsonSerializer.Serialize(now.Text);
        if (now.Value is not { } value || !double.IsFinite(value)) return null;
        if (now.DataType == "Boolean") return value != 0 ? "true" : "false";
        return Text(value);
    }

    /// <summary>Null: a surrogate without its other half, which JSON can say and no text has.</summary>
    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string? WrongKind(JsonElement value, string datatype) => (datatype, value.ValueKind) switch
    {
        ("Boolean", JsonValueKind.True or JsonValueKind.False) => null,
        ("Boolean", _) => "'value' must be true or false, as this metric is",
        ("String" or "Text" or "UUID", JsonValueKind.String) => null,
        ("String" or "Text" or "UUID", _) => "'value' must be a text, as this metric is",
        (_, JsonValueKind.Number) => null,
        _ => $"'value' must be a number, as this metric is ({datatype})",
    };

    private static bool IsGood(SignalNow now) => now.Quality >= Quality.Good;

    private static bool IsWhole(string datatype) => datatype.StartsWith("Int", StringComparison.Ordinal)
        || datatype.StartsWith("UInt", StringComparison.Ordinal);

    private static string Text(double number) => number.ToString("G15", CultureInfo.InvariantCulture);
}
