using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using NodaTime;
using OeeOrleans.Model.Plant;
using OeeOrleans.Sparkplug.Topics;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Configuration.Reading;

/// <summary>Site, calendars, areas, lines and machines of the file.</summary>
internal sealed partial class PlantReader(YamlSection root)
{
    private static readonly string[] DayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    private const int MaxIdLength = 128;

    private readonly Problems _problems = root.Problems;
    private readonly Dictionary<string, long> _ids = new(StringComparer.Ordinal);
    private readonly HashSet<string> _reasons = new(StringComparer.Ordinal);
    private readonly HashSet<string> _calendars = new(StringComparer.Ordinal);

    /// <summary>A machine is read that is no more.</summary>
    private bool _isRetired;

    public PlantModel Read()
    {
        var site = ReadSite();
        var calendars = root.Sections("calendars").Select(ReadCalendar).ToList();
        var reasons = ReadReasons();
        var areas = root.Sections("areas").Select(ReadArea).ToList();
        var retired = root.Sections("retired").Select(ReadRetired).ToList();
        var plant = new PlantModel { Site = site, Calendars = calendars, Areas = areas, Reasons = reasons, Retired = retired };
        var ids = plant.Machines.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        plant = plant with { Thresholds = new ThresholdReader(root).Read(ids, CheckId) };
        new PlantSourcesReader(root).Check(CheckId);
        CheckDevices(plant);
        return plant;
    }

    private Site ReadSite()
    {
        if (!root.Has("site"))
        {
            _problems.Add(1, "'site' is missing; it is needed, such as site: { id: berlin, name: Berlin plant, time_zone: Europe/Berlin }");
        }

        var site = root.Section("site");
        var id = site.Exists ? Id(site, "berlin") : "";
        var zone = site.Text("time_zone") ?? "UTC";
        if (DateTimeZoneProviders.Tzdb.GetZoneOrNull(zone) is null)
        {
            _problems.Add(site.LineOf("time_zone"), $"site.time_zone: '{zone}' is unknown; an IANA name such as Europe/Berlin is needed");
        }

        var result = new Site(id, site.Text("name") ?? id, zone);
        site.Close();
        return result;
    }

    private ShiftPlan ReadCalendar(YamlSection calendar)
    {
        var id = calendar.Required("id", "three-shift");
        if (id.Length > 0 && !_calendars.Add(id)) _problems.Add(calendar.Line, $"{calendar.Path}: the calendar '{id}' is defined twice");
        var shifts = calendar.Sections("shifts").Select(ReadShift).ToList();
        if (shifts.Count == 0) _problems.Add(calendar.Line, $"{calendar.Path}: a calendar needs at least one shift");
        var validFrom = Instant(calendar, "valid_from");
        var exceptions = new CalendarExceptionReader(calendar, ReadShift).Read();
        calendar.Close();
        return new ShiftPlan { Id = id, Shifts = shifts, Exceptions = exceptions, ValidFromUs = validFrom };
    }

    private List<StopReason> ReadReasons()
    {
        var reasons = new List<StopReason>();
        foreach (var section in root.Sections("reasons"))
        {
            var id = section.Required("id", "cap-jam");
            if (id.Length > 0 && !_reasons.Add(id))
            {
                _problems.Add(section.LineOf("id"), $"{section.Path}.id: the reason '{id}' is defined twice");
            }

            reasons.Add(
                new StopReason(
                    id, section.Text("name") ?? id,
                    section.Choice(
                        "loss", LossKind.Other, ("breakdown", LossKind.Breakdown), ("setup", LossKind.Setup), ("other", LossKind.Other))));
            section.Close();
        }

        return reasons;
    }

    /// <summary>`faults: { CODE: { text, reason, severity } }`.</summary>
    private Dictionary<string, FaultCode> ReadFaults(YamlSection machine)
    {
        var faults = new Dictionary<string, FaultCode>(StringComparer.Ordinal);
        foreach (var (code, node) in machine.Entries("faults"))
        {
            var fault = new YamlSection(node, $"{machine.Path}.faults.{code}", _problems);
            var reason = fault.Text("reason");
            if (reason is not null && !_reasons.Contains(reason) && !_isRetired)
            {
                _problems.Add(fault.LineOf("reason"), $"{fault.Path}.reason: '{reason}' is not defined under 'reasons'");
            }

            faults[code] = new FaultCode(fault.Text("text"), reason, (short)fault.Integer("severity", 0, 0, 1000));
            fault.Close();
        }

        return faults;
    }

    private long? Instant(YamlSection section, string key)
    {
        if (section.Text(key) is not { } text) return null;
        if (Model.UnixMicros.TryParse(text, out var time) && time > 0) return time;
        _problems.Add(section.LineOf(key), $"{section.Path}.{key}: '{text}' is not a time such as 2026-01-05T06:00:00Z");
        return null;
    }

    private Shift ReadShift(YamlSection shift)
    {
        var name = shift.Required("name", "early");
        var start = Clock(shift, shift.Required("start", "\"06:00\""), shift.LineOf("start"));
        var end = Clock(shift, shift.Required("end", "\"14:00\""), shift.LineOf("end"));
        var days = shift.Has("days") ? shift.Items("days").Select(d => Day(shift, d)).ToList() : [.. Enum.GetValues<DayOfWeek>()];
        var breaks = shift.Items("breaks").Select(b => ReadBreak(shift, b)).OfType<Break>().ToList();
        shift.Close();
        return new Shift(name, start, end, days, breaks);
    }

    private Break? ReadBreak(YamlSection shift, YamlNode node)
    {
        if (node is YamlSequenceNode { Children.Count: 2 } pair)
        {
            return new Break(Clock(shift, pair[0].ToString(), node.Start.Line), Clock(shift, pair[1].ToString(), node.Start.Line));
        }

        _problems.Add(node.Start.Line, $"{shift.Path}.breaks: a break is a pair of times such as [\"09:00\", \"09:15\"]");
        return null;
    }

    private DayOfWeek Day(YamlSection shift, YamlNode node)
    {
        var day = Array.IndexOf(DayNames, node.ToString());
        if (day < 0) _problems.Add(node.Start.Line, $"{shift.Path}.days: '{node}' is not a day; mon, tue, wed, thu, fri, sat, sun are");
        return (DayOfWeek)Math.Max(day, 0);
    }

    private TimeOnly Clock(YamlSection shift, string text, long line)
    {
        if (TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)) return time;
        if (text == "24:00") return TimeOnly.MinValue;
        if (text.Length > 0) _problems.Add(line, $"{shift.Path}: '{text}' is not a time of day such as \"06:00\" (quoted)");
        return default;
    }

    private Area ReadArea(YamlSection area)
    {
        var id = Id(area, "packaging");
        var calendar = Calendar(area, null);
        var lines = area.Sections("lines").Select(l => ReadLine(l, id, calendar)).ToList();
        var result = new Area { Id = id, Name = area.Text("name") ?? id, Lines = lines };
        area.Close();
        return result;
    }

    private Line ReadLine(YamlSection line, string area, string? inherited)
    {
        var id = Id(line, "line1");
        var calendar = Calendar(line, inherited);
        var machines = line.Sections("machines").Select(m => ReadMachine(m, id, null, calendar)).ToList();
        var cells = new List<Cell>();
        foreach (var cell in line.Sections("cells"))
        {
            var cellId = Id(cell, "cell1");
            var cellCalendar = Calendar(cell, calendar);
            machines.AddRange(cell.Sections("machines").Select(m => ReadMachine(m, id, cellId, cellCalendar)));
            cells.Add(new Cell(cellId, cell.Text("name") ?? cellId));
            cell.Close();
        }

        var oee = line.Section("oee");
        var policy = oee.Choice(
            "policy", LinePolicy.Weighted, ("weighted", LinePolicy.Weighted), ("bottleneck", LinePolicy.Bottleneck),
            ("in_out", LinePolicy.InOut));
        var bottleneck = oee.Text("machine");
        if (policy != LinePolicy.Weighted && bottleneck is null)
        {
            _problems.Add(oee.Line, $"{oee.Path}: the policy needs 'machine', the bottleneck of the line");
        }

        if (bottleneck is not null && machines.All(m => m.Id != bottleneck))
        {
            _problems.Add(
                oee.LineOf("machine"),
                $"{oee.Path}.machine: '{bottleneck}' is no machine of the line '{id}'; {string.Join(", ", machines.Select(m => m.Id))} "
                    + $"are");
        }

        // The time of such a line is that of its own calendar with the bottleneck's state: with one calendar for both that is the
        // bottleneck's time.
        if (policy == LinePolicy.InOut && machines.Find(m => m.Id == bottleneck) is { } known && known.Calendar != calendar)
        {
            _problems.Add(
                oee.LineOf("machine"),
                $"{oee.Path}.machine: under the policy in_out the bottleneck must have the calendar of its line; '{bottleneck}' has "
                    + $"another one");
        }

        oee.Close();
        var result = new Line
        {
            Id = id,
            Name = line.Text("name") ?? id,
            AreaId = area,
            Calendar = calendar,
            Policy = policy,
            BottleneckMachine = bottleneck,
            Cells = cells,
            Machines = machines,
        };
        line.Close();
        return result;
    }

    private Machine ReadMachine(YamlSection machine, string line, string? cell, string? inherited)
    {
        var id = Id(machine, "filler1");
        var edgeNode = machine.Text("edge_node");
        if (edgeNode is not null && !IsEdgeNode(edgeNode))
        {
            _problems.Add(
                machine.LineOf("edge_node"),
                $"{machine.Path}.edge_node: '{edgeNode}' is not a Sparkplug group and edge node such as berlin/edge1");
        }

        if (machine.Text("device") is { Length: > 0 } device && NameRule.WhyNotId("device", device) is { } wrong)
        {
            _problems.Add(machine.LineOf("device"), $"{machine.Path}.device: {wrong}");
        }

        if (edgeNode is null && machine.Has("fallback"))
        {
            _problems.Add(machine.LineOf("fallback"), $"{machine.Path}.fallback: needs edge_node, at which its sources are read");
        }

        var result = new Machine
        {
            Id = id,
            Name = machine.Text("name") ?? id,
            LineId = line,
            CellId = cell,
            Calendar = Calendar(machine, inherited),
            Vendor = machine.Text("vendor"),
            ModelName = machine.Text("model"),
            Ip = machine.Text("ip"),
            Protocol = machine.Text("protocol"),
            EdgeNode = edgeNode,
            Device = machine.Text("device") ?? id,
            Fallback = machine.Text("fallback"),
            Tags = ReadTags(machine),
            Oee = new MachineOeeReader(machine).Read(),
            ValidFromUs = Instant(machine, "valid_from"),
            Faults = ReadFaults(machine),
        };
        machine.Close();
        return result;
    }

    /// <summary>`retired: [{ at, line, machine: { as it was } }]`: what it did stays, so its id is taken.</summary>
    private RetiredMachine ReadRetired(YamlSection retired)
    {
        var at = Instant(retired, "at");
        if (at is null && !retired.Has("at")) _ = retired.Required("at", "2026-01-05T06:00:00Z");
        var line = retired.Required("line", "line1");
        var section = retired.Section("machine");
        if (!section.Exists) _problems.Add(retired.Line, $"{retired.Path}: 'machine' is missing; it is needed, with the keys that it had");
        // What it needed may be gone since.
        _isRetired = true;
        var machine = section.Exists ? ReadMachine(section, line, null, null) : new Machine { Id = "" };
        _isRetired = false;
        retired.Close();
        return new RetiredMachine(machine, at ?? 0);
    }

    private List<TagMapping> ReadTags(YamlSection machine)
    {
        var tags = new List<TagMapping>();
        var (metrics, signals) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var section in machine.Sections("tags"))
        {
            var tag = ReadTag(section);
            tags.Add(tag);
            if (tag.Metric.Length == 0 || tag.Signal.Length == 0) continue;
            if (!metrics.Add(tag.Metric))
            {
                _problems.Add(section.LineOf("metric"), $"{section.Path}.metric: '{tag.Metric}' is mapped twice; one metric is one signal");
            }

            if (!signals.Add(tag.Signal))
            {
                _problems.Add(
                    section.LineOf("signal"), $"{section.Path}.signal: '{tag.Signal}' comes from two metrics; it can come from one");
            }

            CheckMetric(section, "metric", tag.Metric);
            CheckMetric(section, "signal", tag.Signal);
        }

        return tags;
    }

    private void CheckMetric(YamlSection tag, string key, string name)
    {
        if (NameRule.WhyNotMetric(Encoding.UTF8.GetBytes(name)) is { } reason)
        {
            _problems.Add(tag.LineOf(key), $"{tag.Path}.{key}: {reason}");
        }
    }

    private TagMapping ReadTag(YamlSection tag)
    {
        var result = new TagMapping(
            tag.Required("metric", "\"Counts/Good\""),
            tag.Required("signal", "counter.good"),
            (double)(tag.Number("scale", -1e12m, 1e12m) ?? 1),
            (double)(tag.Number("offset", -1e12m, 1e12m) ?? 0),
            tag.Text("unit"),
            (double)(tag.Number("deadband", 0, 1e12m) ?? 0))
        {
            Write = WriteLimitsReader.Read(tag.Section("write")),
        };
        if (result is { Write: not null, Scale: 0 })
        {
            _problems.Add(tag.LineOf("scale"), $"{tag.Path}.scale: what is scaled by 0 cannot be written to; any other number is possible");
        }

        tag.Close();
        return result;
    }

    internal static bool IsEdgeNode(string text) =>
        text.Split('/') is [var group, var node]
            && NameRule.WhyNotId("group", group) is null
            && NameRule.WhyNotId("edge node", node) is null;

    private string? Calendar(YamlSection section, string? inherited)
    {
        var id = section.Text("calendar");
        if (id is null) return inherited;
        if (!_calendars.Contains(id) && !_isRetired)
        {
            _problems.Add(section.LineOf("calendar"), $"{section.Path}.calendar: '{id}' is not defined under 'calendars'");
        }

        return id;
    }

    private string Id(YamlSection section, string example)
    {
        var id = section.Required("id", example);
        var line = section.LineOf("id");
        CheckId(section, id);
        if (id.Length > 0 && !_ids.TryAdd(id, line))
        {
            _problems.Add(line, $"{section.Path}.id: '{id}' is used {_problems.Place(_ids[id])} already; ids are unique in the plant");
        }

        return id;
    }

    private void CheckId(YamlSection section, string id)
    {
        var line = section.LineOf("id");
        if (id.Length > 0 && !IdPattern().IsMatch(id))
        {
            _problems.Add(
                line,
                $"{section.Path}.id: '{id}' is not allowed; lower-case letters, digits, '_', '.' and '-' are, starting with a letter or "
                    + $"digit");
        }

        if (id.Length > MaxIdLength)
        {
            _problems.Add(line, $"{section.Path}.id: it has {id.Length} characters; at most {MaxIdLength} are possible");
        }
    }

    private void CheckDevices(PlantModel plant)
    {
        foreach (var same in plant.Machines.Where(m => m.EdgeNode is not null)
            .GroupBy(m => (m.EdgeNode, m.Device))
            .Where(g => g.Count() > 1))
        {
            _problems.Add(
                _ids.GetValueOrDefault(same.Last().Id, 1),
                $"the machines {string.Join(" and ", same.Select(m => m.Id))} have the same edge node and device "
                    + $"({same.Key.EdgeNode}/{same.Key.Device})");
        }
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_.-]*\z")]
    private static partial Regex IdPattern();
}
