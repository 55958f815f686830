using System.Collections.Concurrent;

namespace OeeOrleans.Cip.Simulation;

/// <summary>What goes wrong, to order; each may be changed at any time.</summary>
public sealed class ControllerFaults
{
    private readonly ConcurrentDictionary<string, CipStatus> _failing = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Before each answer.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>It takes everything and says nothing, as behind a pulled plug.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>Forward Opens that it refuses, because the connection is in use already.</summary>
    public int DuplicateOpens { get; set; }

    /// <summary>A PLC-5 counts the elements of a command where words are meant, as some simulators do.</summary>
    public bool CountsElements { get; set; }

    /// <summary>A connection whose client is gone stays in use, as at a controller until it times out.</summary>
    public bool KeepsLostConnections { get; set; }

    /// <summary>It has no connection left.</summary>
    public bool HasNoConnectionLeft { get; set; }

    /// <summary>Changes the bytes of an answer, from the encapsulation header on, before they go out; null: none.</summary>
    public Func<byte[], byte[]>? Mutate { get; set; }

    /// <summary>Every access to a tag or file ends like this.</summary>
    /// <param name="name">`Tag`, `Program:Main.Tag` or `N7`.</param>
    /// <param name="status">What is said of it; <see cref="CipStatus.Good"/> takes it back.</param>
    public void Fail(string name, CipStatus status)
    {
        if (status.IsGood) _failing.TryRemove(name, out _);
        else _failing[name] = status;
    }

    internal CipStatus? Of(string name) => _failing.TryGetValue(name, out var status) ? status : null;
}
