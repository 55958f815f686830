using System.Globalization;

namespace OeeOrleans.Benchmarks;

/// <summary>What a process and all that it has started took of the CPU, as proc(5) tells it.</summary>
internal static class ProcessTree
{
    private const double TicksPerSecond = 100;

    /// <summary>User and system time, those of children that have ended included, seconds.</summary>
    public static double CpuSeconds(int root)
    {
        var all = Directory.EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var id) ? Read(id) : null)
            .OfType<Entry>()
            .ToList();
        var children = all.ToLookup(e => e.Parent);
        double Sum(Entry entry) => entry.Ticks + children[entry.Id].Sum(Sum);
        return all.Where(e => e.Id == root).Sum(Sum) / TicksPerSecond;
    }

    private static Entry? Read(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            // The name may hold anything, but it ends with the last bracket; field 4 is the parent, 14 to 17 are times.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            long Field(int number) => long.Parse(fields[number - 3], CultureInfo.InvariantCulture);
            return new Entry(id, (int)Field(4), Field(14) + Field(15) + Field(16) + Field(17));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It ended between the listing and the reading.
            return null;
        }
    }

    private sealed record Entry(int Id, int Parent, long Ticks);
}
