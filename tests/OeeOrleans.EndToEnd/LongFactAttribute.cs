namespace OeeOrleans.EndToEnd;

/// <summary>A test of `tests/long.sh` only: it takes minutes, or needs to mount a small file system.</summary>
public sealed class LongFactAttribute : FactAttribute
{
    public LongFactAttribute()
    {
        if (Environment.GetEnvironmentVariable("OEE_LONG") != "1") Skip = "long; run by tests/long.sh";
    }
}
