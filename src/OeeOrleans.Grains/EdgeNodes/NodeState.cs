using System.Text.Json;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Sparkplug.Session;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>What a session must remember besides its births; stored in the transaction of the rows it belongs to.</summary>
internal sealed class NodeState
{
    public bool Online { get; set; }

    public int LastSeq { get; set; } = -1;

    public ulong LastMs { get; set; }

    /// <summary>Dead devices and when they died (microseconds); the empty name is the node itself.</summary>
    public Dictionary<string, long> Dead { get; set; } = [];

    /// <summary>Records of one of our own edge nodes that are committed; empty for all others.</summary>
    public CommittedRecords Committed { get; set; } = new();

    /// <summary>What it said of the sources that the plant gave it; null for all that take none.</summary>
    public SourcesReport? Sources { get; set; }

    /// <summary>
    /// The queue whose messages are in this state, and the number of the newest of them: it and those before were committed.
    /// </summary>
    public string Source { get; set; } = "";

    public ulong Number { get; set; }

    /// <summary>Whether the message of a queue's number is committed.</summary>
    public bool Holds(string source, ulong number) => number != 0 && number <= Number && source == Source;

    /// <summary>The messages up to a number belong to this state.</summary>
    public void Took(string source, ulong number)
    {
        if (number == 0) return;
        Number = source == Source ? Math.Max(Number, number) : number;
        Source = source;
    }

    public static NodeState Parse(string json) =>
        json.Length == 0 ? new NodeState() : JsonSerializer.Deserialize<NodeState>(json) ?? new NodeState();

    public string ToJson(HostNodeSession session)
    {
        (Online, LastSeq, LastMs) = (session.Online, session.LastSeq, session.LastMs);
        return JsonSerializer.Serialize(this);
    }
}
