using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Configuration.Reading;

/// <summary>The key `write` of a tag: `{ min, max, step, states: [run, stop, ...] }`.</summary>
internal static class WriteLimitsReader
{
    private const decimal MaxLimit = 1e15m;

    private static readonly StateCategory[] Possible = Enum.GetValues<StateCategory>();

    /// <summary>Null where there is no such key: the tag may not be written to.</summary>
    public static WriteLimits? Read(YamlSection write)
    {
        if (!write.Exists) return null;
        var (min, max) = (write.Number("min", -MaxLimit, MaxLimit), write.Number("max", -MaxLimit, MaxLimit));
        if (min > max) write.Problems.Add(write.LineOf("max"), $"{write.Path}.max: {max} is less than min, {min}");
        var step = write.Number("step", 0, MaxLimit);
        if (step == 0)
        {
            write.Problems.Add(write.LineOf("step"), $"{write.Path}.step: with 0 nothing could be changed; leave it out, or say how far");
        }

        var states = new List<StateCategory>();
        foreach (var item in write.Items("states"))
        {
            var found = Array.FindIndex(Possible, s => s.Name() == item.ToString());
            if (found >= 0) states.Add(Possible[found]);
            else
            {
                write.Problems.Add(
                    item.Start.Line,
                    $"{write.Path}.states: '{item}' is no state; {string.Join(", ", Possible.Select(s => s.Name()))} are");
            }
        }

        write.Close();
        return new WriteLimits { Min = (double?)min, Max = (double?)max, Step = (double?)step, States = [.. states.Distinct()] };
    }
}
