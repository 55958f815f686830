using System.Text.Json.Serialization;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Accounting;

/// <summary>Everything the fold knows at an instant: plain data, so that it can be copied and stored as a snapshot.</summary>
public sealed class FoldState
{
    public const int CurrentVersion = 1;

    public int Version { get; set; } = CurrentVersion;

    /// <summary>Time is accounted for up to here.</summary>
    public long NowUs { get; set; }
    public HeldState Held { get; set; }
    public HeldState Active { get; set; }
    public long ActiveSinceUs { get; set; }
    public bool ModePlanned { get; set; }
    public string? Mode { get; set; }
    public string? FaultCode { get; set; }
    public bool? FaultFlag { get; set; }
    public string? ActiveFault { get; set; }
    public string? Product { get; set; }
    public string? Order { get; set; }
    public decimal? ReportedIdealS { get; set; }
    public bool IdealReported { get; set; }
    public double? CycleS { get; set; }
    public double? RatePerHour { get; set; }
    public short Quality { get; set; }
    /// <summary>All time in unknown state so far, scheduled or not: a counter delta is a gap delta when this grew between its samples.</summary>
    public long UnknownUs { get; set; }

    [JsonInclude]
    public CounterPosition Good;
    [JsonInclude]
    public CounterPosition Reject;
    [JsonInclude]
    public CounterPosition Total;

    public bool StopOpen { get; set; }
    /// <summary>Production time of the open stop so far.</summary>
    public long StopProductionUs { get; set; }
    /// <summary>Its first and last instants inside production time; -1 when it had none.</summary>
    public long StopFirstUs { get; set; } = -1;
    public long StopLastEndUs { get; set; } = -1;
    public bool StopHadFault { get; set; }

    /// <summary>Cells in order; the last one contains <see cref="NowUs"/>.</summary>
    public List<Cell> Cells { get; set; } = [];
    /// <summary>Changes of the held state, for timelines; bounded by its owner.</summary>
    public List<StateChange> Changes { get; set; } = [];

    public FoldState Clone()
    {
        var copy = (FoldState)MemberwiseClone();
        copy.Cells = new List<Cell>(Cells.Count + 1);
        foreach (var cell in Cells) copy.Cells.Add(cell.Clone());
        copy.Changes = new List<StateChange>(Changes);
        return copy;
    }
}

/// <summary>From <paramref name="TimeUs"/> on the machine is held to be in <paramref name="State"/>.</summary>
public readonly record struct StateChange(long TimeUs, HeldState State, bool ModePlanned);
