using System.Text.Json;
using System.Text.Json.Serialization;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Plant;

/// <summary>How the plant model changed over time. A change of a machine's parameters or calendar holds from its `valid_from` on, or from
/// when it is first seen; what was before stays as it was, so that history can be recomputed with the model of its own time.</summary>
public static class ModelHistory
{
    public const string OeePart = "oee";
    public const string CalendarPart = "calendar";

    private static readonly JsonSerializerOptions Json = new() { Converters = { new SetConverter() } };

    /// <summary>Brings stored versions up to date with a plant model; versions of machines it does not know stay.</summary>
    /// <returns>All versions, in order of machine, part and time.</returns>
    public static IReadOnlyList<ModelVersion> Update(IReadOnlyList<ModelVersion> stored, PlantModel plant, long nowUs)
    {
        var versions = stored.GroupBy(v => (v.Machine, v.Part)).ToDictionary(g => g.Key, g => g.OrderBy(v => v.FromUs).ToList());
        foreach (var machine in plant.Machines)
        {
            var calendar = CalendarOf(plant, machine);
            Take(machine.Id, OeePart, JsonSerializer.Serialize(machine.Oee, Json), machine.ValidFromUs);
            Take(machine.Id, CalendarPart, JsonSerializer.Serialize(calendar), calendar.Plan.ValidFromUs);
        }

        return [.. versions.OrderBy(v => v.Key).SelectMany(v => v.Value)];

        void Take(string machine, string part, string model, long? validFromUs)
        {
            if (!versions.TryGetValue((machine, part), out var list)) versions[(machine, part)] = list = [];
            if (list.Count == 0)
            {
                list.Add(new ModelVersion(machine, part, 0, model));
                return;
            }

            // Without a time the newest version is compared, and a difference holds from now on; with one, whatever was said from then on
            // is replaced.
            var fromUs = validFromUs ?? nowUs;
            if (validFromUs is null && Same(part, list[^1].Model, model)) return;
            list.RemoveAll(v => v.FromUs >= fromUs && v.FromUs > 0);
            if (!Same(part, list[^1].Model, model)) list.Add(new ModelVersion(machine, part, fromUs, model));
        }
    }

    /// <summary>
    /// Versions after a change of the plant model: parts of machines' models that are others than before the change, or of which it was
    /// said from when on they hold, hold from then on, and whatever was said from then on is replaced. All others stay as they are.
    /// </summary>
    /// <exception cref="PendingModelException">Something is to hold from a later time on, and no time was given.</exception>
    public static IReadOnlyList<ModelVersion> Change(
        IReadOnlyList<ModelVersion> stored, PlantModel before, PlantModel after, ModelTimes times, long nowUs)
    {
        var versions = stored.GroupBy(v => (v.Machine, v.Part)).ToDictionary(g => g.Key, g => g.OrderBy(v => v.FromUs).ToList());
        var known = before.Machines.ToDictionary(m => m.Id, StringComparer.Ordinal);
        foreach (var machine in after.Machines)
        {
            var was = known.GetValueOrDefault(machine.Id);
            var calendar = CalendarOf(after, machine);
            long? ofMachine = times.Machines.TryGetValue(machine.Id, out var m) ? m : null;
            long? ofCalendar = times.Calendars.TryGetValue(calendar.Plan.Id, out var c) ? c : null;
            var shifts = JsonSerializer.Serialize(calendar);
            Take(machine.Id, OeePart, was is null ? null : Oee(was), Oee(machine), ofMachine, times.Otherwise);
            // Another calendar that a machine gets holds for it from when the machine's change does.
            Take(machine.Id, CalendarPart, was is null ? null : Shifts(before, was), shifts, ofCalendar, ofMachine ?? times.Otherwise);
        }

        return [.. versions.OrderBy(v => v.Key).SelectMany(v => v.Value)];

        void Take(string machine, string part, string? was, string model, long? saidUs, long? otherwiseUs)
        {
            if (saidUs is null && was is not null && Same(part, was, model)) return;
            if (!versions.TryGetValue((machine, part), out var list)) versions[(machine, part)] = list = [];
            var pending = list.Count > 0 && list[^1].FromUs > nowUs ? list[^1].FromUs : (long?)null;
            var fromUs = saidUs ?? otherwiseUs;
            if (pending is { } later && fromUs is null) throw new PendingModelException(machine, part, later);
            // A machine that is there again after it was retired goes on from what it was.
            list.RemoveAll(v => v.FromUs >= (fromUs ?? nowUs) && v.FromUs > 0);
            if (list.Count == 0) list.Add(new ModelVersion(machine, part, 0, model));
            else if (!Same(part, list[^1].Model, model)) list.Add(new ModelVersion(machine, part, fromUs ?? nowUs, model));
        }
    }

    internal static string Oee(Machine machine) => JsonSerializer.Serialize(machine.Oee, Json);

    private static string Shifts(PlantModel plant, Machine machine) => JsonSerializer.Serialize(CalendarOf(plant, machine));

    /// <summary>Parts of machines' models that are what they were before their newest change: of a file that somebody forgot to bring up to
    /// date, or changed back without a time (`valid_from`). Which of the two it is, only a person knows.</summary>
    public static IReadOnlyList<RevertedModel> Reverted(IReadOnlyList<ModelVersion> stored, PlantModel plant)
    {
        var versions = stored.GroupBy(v => (v.Machine, v.Part)).ToDictionary(g => g.Key, g => g.OrderBy(v => v.FromUs).ToList());
        var reverted = new List<RevertedModel>();
        foreach (var machine in plant.Machines)
        {
            var calendar = CalendarOf(plant, machine);
            Look(machine.Id, OeePart, JsonSerializer.Serialize(machine.Oee, Json), machine.ValidFromUs);
            Look(machine.Id, CalendarPart, JsonSerializer.Serialize(calendar), calendar.Plan.ValidFromUs);
        }

        return reverted;

        void Look(string machine, string part, string model, long? validFromUs)
        {
            if (validFromUs is not null || !versions.TryGetValue((machine, part), out var list) || Same(part, list[^1].Model, model))
            {
                return;
            }

            if (list.FindLast(v => Same(part, v.Model, model)) is { } earlier)
            {
                reverted.Add(new RevertedModel(machine, part, earlier.FromUs, list[^1].FromUs));
            }
        }
    }

    public static OeeParameters Parameters(string model) => JsonSerializer.Deserialize<OeeParameters>(model, Json)!;

    public static CalendarModel Calendar(string model) => JsonSerializer.Deserialize<CalendarModel>(model)!;

    /// <summary>The shifts of a machine; without a calendar it is scheduled around the clock, in one shift a day.</summary>
    public static CalendarModel CalendarOf(PlantModel plant, Machine machine)
    {
        var id = machine.Calendar ?? plant.Lines.FirstOrDefault(l => l.Id == machine.LineId)?.Calendar;
        var plan = plant.Calendars.FirstOrDefault(c => c.Id == id)
            ?? new ShiftPlan
            {
                Id = "always", Shifts = [new Shift("day", TimeOnly.MinValue, TimeOnly.MinValue, Enum.GetValues<DayOfWeek>(), [])],
            };
        return new CalendarModel(plant.Site.TimeZone, plan);
    }

    /// <summary>By meaning: a version stored by an earlier release lacks what did not exist then.</summary>
    private static bool Same(string part, string a, string b) => a == b || Normal(part, a) == Normal(part, b);

    private static string Normal(string part, string model) =>
        part == OeePart ? JsonSerializer.Serialize(Parameters(model), Json) : JsonSerializer.Serialize(Calendar(model));

    /// <summary>Read-only sets cannot be read back by themselves.</summary>
    private sealed class SetConverter : JsonConverter<IReadOnlySet<string>>
    {
        public override IReadOnlySet<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<HashSet<string>>(ref reader) ?? [];

        public override void Write(Utf8JsonWriter writer, IReadOnlySet<string> value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.Order(StringComparer.Ordinal).ToArray());
    }
}

/// <summary>A part of a machine's model that is as it was from one instant on, although it is another one since a later instant.</summary>
public sealed record RevertedModel(string Machine, string Part, long AsOfUs, long ReplacedUs);

/// <summary>From when on a change holds, microseconds.</summary>
/// <param name="Otherwise">What is not named; null: from now on.</param>
/// <param name="Machines">OEE parameters of machines, also of such as are what they were.</param>
/// <param name="Calendars">The shifts of calendars, of all machines that have them.</param>
public sealed record ModelTimes(long? Otherwise, IReadOnlyDictionary<string, long> Machines, IReadOnlyDictionary<string, long> Calendars)
{
    private static readonly Dictionary<string, long> None = [];

    public static ModelTimes Now { get; } = From(null);

    public static ModelTimes From(long? timeUs) => new(timeUs, None, None);

    /// <summary>What a plant says of itself (`valid_from`) that it did not say before, or of what is another one.</summary>
    public static ModelTimes Of(PlantModel before, PlantModel after)
    {
        var machines = before.Machines.ToDictionary(m => m.Id, StringComparer.Ordinal);
        var calendars = before.Calendars.ToDictionary(c => c.Id, StringComparer.Ordinal);
        return new ModelTimes(
            null,
            after.Machines.Where(m => m.ValidFromUs is not null && !(machines.TryGetValue(m.Id, out var was) && IsSame(was, m)))
                .ToDictionary(m => m.Id, m => m.ValidFromUs!.Value),
            after.Calendars.Where(c => c.ValidFromUs is not null && !(calendars.TryGetValue(c.Id, out var was) && IsSame(was, c)))
                .ToDictionary(c => c.Id, c => c.ValidFromUs!.Value));
    }

    private static bool IsSame(Machine a, Machine b) => a.ValidFromUs == b.ValidFromUs
        && ModelHistory.Oee(a) == ModelHistory.Oee(b);

    private static bool IsSame(ShiftPlan a, ShiftPlan b) =>
        a.ValidFromUs == b.ValidFromUs && JsonSerializer.Serialize(a) == JsonSerializer.Serialize(b);
}

/// <summary>A part of a machine's model is to become another one at a later time, so it cannot be said what a change from now on means for
/// the time after that.</summary>
public sealed class PendingModelException(string machine, string part, long fromUs) : Exception(
    $"the machine '{machine}' has a change of its {(part == ModelHistory.OeePart ? "OEE parameters" : "calendar")} that holds from "
        + $"{UnixMicros.ToIso(fromUs)} on; say from when on this one holds (valid_from), and what is said from then on is replaced");

/// <summary>A calendar with the zone its times are in.</summary>
public sealed record CalendarModel(string Zone, ShiftPlan Plan);
