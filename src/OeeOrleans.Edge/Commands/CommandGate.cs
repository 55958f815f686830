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
/// any before of the same host, and not after their end. A number is on the disk before anything else is looked at, so that no command is
/// taken twice, whatever dies, and none that was refused acts later. Not safe for concurrent use: the connection's one reader asks.
/// </summary>
internal sealed class CommandGate(EdgeOptions options, RecordQueue queue, TimeProvider clock)
{
    /// <summary>Numbers of a host that are remembered, to tell a copy from what was overtaken.</summary>
    private const int Remembered = 1_000;

    /// <summary>A host whose clock is further ahead than this would give its commands a longer life than it meant to.</summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, NumbersTaken> _taken = new(StringComparer.Ordinal);
    private IReadOnlyList<string>? _read;
    private IReadOnlyList<(ECDsa Key, string Name)> _keys = [];

    /// <summary>What becomes of a command at this gate.</summary>
    public enum Entry
    {
        /// <summary>It is the host's, and new.</summary>
        New,

        /// <summary>It came before; of what became of it then nothing is said.</summary>
        Copy,

        /// <summary>A later one came before it: it is not carried out.</summary>
        Overtaken,

        /// <summary>Its number could not be remembered: it is not carried out.</summary>
        NotRemembered,
    }

    /// <summary>The command, when the host says it; its number is taken then.</summary>
    /// <param name="device">Whose DCMD brought it.</param>
    /// <param name="text">As it came.</param>
    /// <exception cref="SignedCommandException">It is none of the host's, and nobody knows whose.</exception>
    public (SignedCommand Command, Entry Entry) Admit(string? device, string text)
    {
        if (options.CommandKeys.Count == 0)
        {
            throw new SignedCommandException("this edge node knows no key of a host (edge.command_keys), so it takes no commands");
        }

        var keys = Keys();
        var command = SignedCommand.Open(text, [.. keys.Select(k => k.Key)], out var by);
        if (command.EdgeNode != $"{options.Group}/{options.Node}" || command.Device != device)
        {
            throw new SignedCommandException(
                $"it is for {command.EdgeNode}/{command.Device}, and came to {options.Group}/{options.Node}/{device}");
        }

        return (command, Take(keys[by].Name, command.Number));
    }

    /// <summary>Whether its time is over, or has not come; null when it is now.</summary>
    public string? WhyLate(SignedCommand command)
    {
        var nowMs = clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (nowMs > command.ExpiresMs) return $"it ended at {Time(command.ExpiresMs)}, and this edge node's clock shows {Time(nowMs)}";
        return command.IssuedMs - nowMs > MaxAhead.TotalMilliseconds
            ? $"it was issued at {Time(command.IssuedMs)}, and this edge node's clock shows {Time(nowMs)}: they must agree to "
                + $"{MaxAhead.TotalSeconds} s"
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

    /// <summary>Each host counts for itself.</summary>
    private Entry Take(string name, long number)
    {
        if (!_taken.TryGetValue(name, out var taken)) _taken[name] = taken = new NumbersTaken(queue.GetNumber(name));
        if (number <= 0) return Entry.Copy;
        if ((ulong)number > taken.Last)
        {
            try
            {
                queue.SetNumberSafely(name, (ulong)number);
            }
            catch (Exception error) when (error is IOException or RocksDbSharp.RocksDbException)
            {
                return Entry.NotRemembered;
            }

            taken.Add((ulong)number);
            return Entry.New;
        }

        // Of what came in an earlier life nobody knows any more which it was.
        if ((ulong)number <= taken.Floor || !taken.Add((ulong)number)) return Entry.Copy;
        return Entry.Overtaken;
    }

    private IReadOnlyList<(ECDsa Key, string Name)> Keys()
    {
        // An edge node beside its host is told the host's key when the store has it, after it began.
        if (ReferenceEquals(_read, options.CommandKeys)) return _keys;
        (_keys, _read) = (CommandKeys.Read(options.CommandKeys), options.CommandKeys);
        return _keys;
    }

    /// <summary>Numbers that came since this life began, or the latest of them.</summary>
    private sealed class NumbersTaken(ulong last)
    {
        private readonly SortedSet<ulong> _seen = [];

        public ulong Last { get; private set; } = last;

        /// <summary>Of numbers up to this nothing is known.</summary>
        public ulong Floor { get; private set; } = last;

        /// <returns>False: it is there.</returns>
        public bool Add(ulong number)
        {
            if (!_seen.Add(number)) return false;
            Last = Math.Max(Last, number);
            if (_seen.Count <= Remembered) return true;
            Floor = _seen.Min;
            _seen.Remove(Floor);
            return true;
        }
    }
}
