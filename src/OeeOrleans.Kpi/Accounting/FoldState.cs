using System.Text.Json.Serialization;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Accounting;

/// <summary>Everything the fold knows at an instant: plain data, so that it can be copied and stored as a snapshot.</summary>
public sealed class FoldState
{
    public const int CurrentVersion = 2;

    public int Version { get; set; } = CurrentVersion;

    /// <summary>Time is accounted for up to here.</summary>
    public long NowUs { get; set; }
    public HeldState Held { get; set; }
    public HeldState Active { get; set; }
    public long ActiveSinceUs { get; set; }
    /// <summary>The state sample that is held, as it came: another state map reads it anew.</summary>
    public SignalKind HeldKind { get; set; }
    public double HeldValue { get; set; }
    public string? HeldText { get; set; }
    public short Quality { get; set; }
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
    /// <summary>
    /// All time in unknown state so far, scheduled or not: a counter delta is a gap delta when this grew between its samples.
    /// </summary>
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
    /// <summary>The first fault that was active in it.</summary>
    public string? StopFault { get; set; }

    /// <summary>Where the job under way began; -1 when there is none.</summary>
    public long JobFromUs { get; set; } = -1;
    public string? JobOrder { get; set; }
    public string? JobProduct { get; set; }
    /// <summary>Order or product said something at this instant that is not looked at yet.</summary>
    public bool JobPending { get; set; }

    /// <summary>Windows that ended at or before this can no longer be asked for.</summary>
    public long SettledUs { get; set; } = long.MinValue;

    /// <summary>Cells in order; the last one contains <see cref="NowUs"/>.</summary>
    public List<Cell> Cells { get; set; } = [];
    /// <summary>Stops that are over, in order of start, until their owner releases them.</summary>
    public List<StopSpan> Stops { get; set; } = [];
    /// <summary>Jobs that are over, likewise.</summary>
    public List<JobSpan> Jobs { get; set; } = [];

    /// <summary>The job under way.</summary>
    [JsonIgnore]
    public JobSpan? Job => JobFromUs >= 0 ? new JobSpan(JobFromUs, null, JobOrder, JobProduct) : null;

    /// <summary>A copy that may go its own way. Cells that nothing can change any more are shared.</summary>
    public FoldState Clone()
    {
        var copy = (FoldState)MemberwiseClone();
        copy.Cells = new List<Cell>(Cells.Count + 1);
        for (var i = 0; i < Cells.Count; i++)
        {
            var changes = i == Cells.Count - 1 || (StopFirstUs >= 0 && Cells[i].ToUs > StopFirstUs);
            copy.Cells.Add(changes ? Cells[i].Clone() : Cells[i]);
        }

        copy.Stops = [.. Stops];
        copy.Jobs = [.. Jobs];
        return copy;
    }
}
