using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Edge.Commands;

/// <summary>
/// Lets the host's commands in, and nothing else: signed by a key that is pinned here, for this node and device, with a number greater than
/// any before, and not after their end. The last number is on the disk before a command is taken, so that none is taken twice, whatever
/// dies. Not safe for concurrent use: the connection's one reader asks.
/// </summary>
internal sealed class CommandGate(EdgeOptions options, RecordQueue queue, TimeProvider clock)
{
    private const string LastNumber = "command";

    /// <summary>A host whose clock is further ahead than this would give its commands a longer life than it meant to.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromSeconds(60);

    private IReadOnlyList<string>? _read;
    private IReadOnlyList<ECDsa> _keys = [];

    /// <summary>The command, when the host says it.</summary>
    /// <param name="device">Whose DCMD brought it.</param>
    /// <param name="text">As it came.</param>
    /// <exception cref="SignedCommandException">It is none of the host's, and nobody knows whose.</exception>
    public SignedCommand Open(string? device, string text)
    {
        if (options.CommandKeys.Count == 0)
        {
            throw new SignedCommandException("this edge node knows no key of a host (edge.command_keys), so it takes no commands");
        }

        var command = SignedCommand.Open(text, Keys());
        if (command.EdgeNode != $"{options.Group}/{options.Node}" || command.Device != device)
        {
            throw new SignedCommandException(
                $"it is for {command.EdgeNode}/{command.Device}, and came to {options.Group}/{options.Node}/{device}");
        }

        return command;
    }

    /// <summary>Whether it came before, or was overtaken; null when it is new. Of one that came before this says nothing.</summary>
    public string? WhyOld(SignedCommand command)
    {
        var last = queue.GetNumber(LastNumber);
        return command.Number > 0 && (ulong)command.Number > last
            ? null
            : $"its number {command.Number} is not greater than that of an earlier one, {last}: it came before, or was overtaken";
    }

    /// <summary>Takes a command's number; from here on it is never taken again. Null, or why it is not taken.</summary>
    public string? Take(SignedCommand command)
    {
        if (WhyLate(command) is { } late) return late;

        try
        {
            queue.SetNumberSafely(LastNumber, (ulong)command.Number);
            return null;
        }
        catch (Exception error) when (error is IOException or RocksDbSharp.RocksDbException)
        {
            return $"its number cannot be remembered, and without that it could be carried out twice: {error.Message}";
        }
    }

    /// <summary>Whether its time is over, or has not come; null when it is now.</summary>
    public string? WhyLate(SignedCommand command)
    {
        var nowMs = clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (nowMs > command.ExpiresMs) return $"it ended at {Time(command.ExpiresMs)}, and this edge node's clock shows {Time(nowMs)}";
        return command.IssuedMs - nowMs > MaxAhead.TotalMilliseconds
            ? $"it was issued at {Time(command.IssuedMs)}, and this edge node's clock shows {Time(nowMs)}: they must agree to a minute"
            : null;
    }

    /// <summary>A command's value as one of the metric's type.</summary>
    /// <exception cref="SignedCommandException">It is none.</exception>
    public static object ValueFor(EdgeMetric metric, string json)
    {
        JsonElement value;
        try
        {
            using var document = JsonDocument.Parse(json);
            value = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new SignedCommandException("its value is no JSON");
        }

        object? found = value.ValueKind switch
        {
            JsonValueKind.String when metric.Type is SparkplugDataType.String or SparkplugDataType.Text =>
                value.GetString(),
            JsonValueKind.True or JsonValueKind.False when metric.Type == SparkplugDataType.Boolean => value.GetBoolean(),
            JsonValueKind.Number when MetricValue.IsInteger(metric.Type) => Whole(value),
            JsonValueKind.Number when metric.Type is SparkplugDataType.Double or SparkplugDataType.Float => value.GetDouble(),
            _ => null,
        };
        if (found is double real && !double.IsFinite(real)) found = null;
        return found ?? throw new SignedCommandException($"{json} is no {metric.Type}, as {metric.Name} is");
    }

    /// <summary>A whole number, also when it is written 3.0.</summary>
    private static object? Whole(JsonElement value)
    {
        if (value.TryGetInt64(out var signed)) return signed;
        if (value.TryGetUInt64(out var unsigned)) return unsigned;
        return value.TryGetDecimal(out var number) && number == decimal.Truncate(number) && number is >= long.MinValue and <= long.MaxValue
            ? (long)number
            : null;
    }

    private static string Time(long ms) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(ms, 0, 253_402_300_799_999)).ToString("O", CultureInfo.InvariantCulture);

    private IReadOnlyList<ECDsa> Keys()
    {
        // An edge node beside its host is told the host's key when the store has it, after it began.
        if (!ReferenceEquals(_read, options.CommandKeys)) (_keys, _read) = (CommandKeys.Read(options.CommandKeys), options.CommandKeys);
        return _keys;
    }
}
