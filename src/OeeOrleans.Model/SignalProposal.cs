using System.Globalization;

namespace OeeOrleans.Model;

/// <summary>Guesses from names which canonical signal a PLC's tag may be. A proposal, to be looked at by somebody who knows the
/// machine.</summary>
public static class SignalProposal
{
    /// <summary>Signal, and the last words of names that usually mean it; the first that fits counts.</summary>
    private static readonly (string Signal, string[] Words)[] Meanings =
    [
        ("counter.reject", ["reject", "rejects", "rejected", "scrap", "bad", "nok", "defect", "defects", "waste", "ausschuss"]),
        ("counter.good", ["good", "goodparts", "ok", "goodcount", "produced", "goodcounter", "gut", "gutteile"]),
        ("counter.total", ["total", "totalcount", "partcount", "parts", "pieces", "count", "counter", "stueckzahl"]),
        ("state.run", ["running", "run", "isrunning", "inproduction", "producing", "active", "laeuft"]),
        ("state.mode", ["mode", "operatingmode", "betriebsart"]),
        ("state.code", ["state", "status", "machinestate", "statecurrent", "packmlstate"]),
        ("fault.code", ["faultcode", "errorcode", "alarmcode", "error", "fault", "alarm", "stoerung"]),
        ("process.temperature", ["temperature", "temp", "temperatur"]),
        ("process.speed", ["speed", "machinespeed", "curmachspeed", "rate", "geschwindigkeit"]),
        ("product.code", ["product", "productcode", "article", "recipe", "recipename", "sku", "artikel"]),
        ("order.id", ["order", "orderid", "job", "jobid", "batch", "lot", "auftrag"]),
        ("cycle.time", ["cycletime", "actualcycletime", "taktzeit"]),
        ("energy.total", ["energy", "energytotal", "kwh"]),
    ];

    /// <summary>The signals that can be proposed.</summary>
    public static IEnumerable<string> Signals => Meanings.Select(m => m.Signal);

    /// <summary>Null when the name says nothing.</summary>
    /// <param name="name">The tag's own name.</param>
    /// <param name="type">Type of its values: a number is no text, and a state that runs or not is a Boolean.</param>
    public static string? Of(string name, string? type)
    {
        var words = Words(name);
        var whole = string.Concat(words);
        foreach (var (signal, known) in Meanings)
        {
            if (!Fits(signal, type)) continue;
            if (known.Contains(whole) || (words.Count > 0 && known.Contains(words[^1]))
                || (words.Count > 1 && known.Contains(words[0]))) return signal;
        }

        return null;
    }

    private static bool Fits(string signal, string? type) => type switch
    {
        null => false,
        _ when type.EndsWith("[]", StringComparison.Ordinal) => false,
        "Boolean" or "BOOL" => signal is "state.run",
        _ when type.StartsWith("STRING", StringComparison.OrdinalIgnoreCase) =>
            signal is "product.code" or "order.id" or "state.mode" or "state.code",
        "Float" or "Double" or "Duration" or "REAL" or "LREAL" => signal.StartsWith("process.", StringComparison.Ordinal)
            || signal is "energy.total" or "cycle.time"
            or "counter.good" or "counter.reject" or "counter.total",
        "SByte" or "Byte" or "Int16" or "UInt16" or "Int32" or "UInt32" or "Int64" or "UInt64"
            or "SINT" or "INT" or "DINT" or "LINT" or "USINT" or "UINT" or "UDINT" or "ULINT" =>
            signal is not "state.run" and not "order.id" and not "product.code",
        _ => false,
    };

    /// <summary>`GoodPartsCount2` -> good, parts, count.</summary>
    private static List<string> Words(string name)
    {
        var words = new List<string>();
        var word = "";
        foreach (var letter in name)
        {
            if (char.IsUpper(letter) && word.Length > 0 && char.IsLower(word[^1]) || !char.IsLetter(letter))
            {
                if (word.Length > 0) words.Add(word.ToLower(CultureInfo.InvariantCulture));
                word = "";
            }

            if (char.IsLetter(letter)) word += letter;
        }

        if (word.Length > 0) words.Add(word.ToLower(CultureInfo.InvariantCulture));
        return words;
    }
}
