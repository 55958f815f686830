using System.Text.Json.Serialization;

namespace OeeOrleans.Model.Plant;

/// <summary>A machine: who it is, where its signals come from, and the parameters of its OEE (specification section 1).</summary>
public sealed record Machine
{
    public required string Id { get; init; }
    public string Name { get; init; } = "";
    public string LineId { get; init; } = "";
    public string? CellId { get; init; }
    public string? Calendar { get; init; }
    public string? Vendor { get; init; }
    public string? ModelName { get; init; }
    public string? Ip { get; init; }
    public string? Protocol { get; init; }
    /// <summary>Sparkplug `group/edge node`; null when no edge node is configured.</summary>
    public string? EdgeNode { get; init; }
    /// <summary>Sparkplug device; the machine id by default, empty when the edge node itself is the machine.</summary>
    public string Device { get; init; } = "";
    public string? Fallback { get; init; }
    public IReadOnlyList<TagMapping> Tags { get; init; } = [];
    public OeeParameters Oee { get; init; } = new();
    /// <summary>
    /// From when on <see cref="Oee"/> holds, microseconds; null: from when it is first seen. Before that the machine was as it was.
    /// </summary>
    public long? ValidFromUs { get; init; }
    /// <summary>What the machine's fault codes mean.</summary>
    public IReadOnlyDictionary<string, FaultCode> Faults { get; init; } = new Dictionary<string, FaultCode>();
}

/// <summary>Sparkplug metric -> canonical signal; value = raw x scale + offset.</summary>
public sealed record TagMapping(
    string Metric, string Signal, double Scale = 1, double Offset = 0, string? Unit = null, double Deadband = 0)
{
    /// <summary>Within what it may be written to; null: it may not.</summary>
    public WriteLimits? Write { get; init; }
}

/// <summary>Parameters of a machine's OEE. Seconds as decimals, exact.</summary>
public sealed record OeeParameters
{
    /// <summary>Ideal cycle of the default product; null = unknown.</summary>
    public decimal? IdealCycleS { get; init; }
    /// <summary>Ideal cycle per product; a null falls back to the default product's.</summary>
    public IReadOnlyDictionary<string, decimal?> Products { get; init; } = new Dictionary<string, decimal?>();
    /// <summary>Vendor state code -> run or stop; null = PackML's map (6 Execute runs, everything else stops).</summary>
    public IReadOnlyDictionary<string, HeldState>? StateMap { get; init; }
    public IReadOnlySet<string> PlannedStopModes { get; init; } = new HashSet<string>();
    public long? CounterModulus { get; init; }
    public long? CounterMaxDelta { get; init; }
    public decimal MicroStopS { get; init; }
    public decimal FailureMinS { get; init; }
    public decimal FaultDedupeS { get; init; } = 5;
    /// <summary>`good` counts scrap in performance too; default is `total`.</summary>
    public bool PerformanceFromGood { get; init; }
    /// <summary>Unknown time counts as stop; default is to leave it out of planned time.</summary>
    public bool UnknownIsStop { get; init; }

    /// <summary>Whether any ideal cycle is known from the model.</summary>
    [JsonIgnore]
    public bool KnowsAnIdealCycle => IdealCycleS is not null || Products.Values.Any(p => p is not null);

    /// <summary>The model's ideal cycle of a product (null code = none reported).</summary>
    public decimal? IdealCycleOf(string? product) =>
        product is not null && Products.TryGetValue(product, out var ideal) && ideal is not null ? ideal : IdealCycleS;
}
