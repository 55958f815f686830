namespace OeeOrleans.Storage.Sql.Reads;

/// <summary>A question about one machine and a span of time, microseconds; what the two ends mean is the question's.</summary>
internal readonly record struct MachineSpan(string Machine, long FromUs, long ToUs)
{
    public double Hours => Math.Max(1, (double)(ToUs - FromUs) / Model.UnixMicros.PerHour);
}

/// <summary>Since when a signal is held.</summary>
internal readonly record struct HeldKey(string Machine, string Name, long AtUs, long NotBeforeUs);
