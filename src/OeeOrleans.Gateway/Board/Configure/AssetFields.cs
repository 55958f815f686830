using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>The fields of assets and of thresholds: the keys of `plant.yaml` with words for people.</summary>
internal static class AssetFields
{
    private static readonly (string, string)[] Policies =
        [("", "weighted by time (default)"), ("bottleneck", "that of the bottleneck"), ("in_out", "in and out")];

    private static readonly (string, string)[] Bases = [("", "all pieces (default)"), ("good", "good pieces")];

    private static readonly (string, string)[] UnknownPolicies = [("", "left out (default)"), ("stop", "a stop")];

    private static readonly (string, string)[] Kpis =
    [
        ("", "none, a signal"), ("oee", "OEE"), ("availability", "availability"), ("performance", "performance"), ("quality", "quality"),
        ("rate_per_hour", "rate per hour"),
    ];

    private static readonly (string, string)[] States = [("", "choose"), ("run", "run"), ("stop", "stop")];

    private static readonly (string, string)[] Windows =
        [("", "shift (default)"), ("hour", "hour"), ("day", "day"), ("rolling_5m", "last five minutes")];

    private static readonly (string, string)[] Losses =
        [("", "other (default)"), ("breakdown", "breakdown"), ("setup", "setup"), ("other", "other")];

    public static IReadOnlyList<FieldSpec> Reason { get; } = [new("/name", "name"), new("/loss", "kind of loss", Choices: Losses)];

    /// <param name="kind">site, area, line, cell or machine.</param>
    /// <param name="plant">With the changes so far: what may be chosen.</param>
    /// <param name="id">Of the asset.</param>
    public static IReadOnlyList<FieldSpec> Of(string kind, PlantModel plant, PlantEditor editor, string id)
    {
        var calendar = new FieldSpec(
            "/calendar", "calendar",
            Choices: [("", "as above it"), .. editor.ShowAll(PlantPart.Calendar).Select(c => IdOf(c)).Select(c => (c, c))]);
        var name = new FieldSpec("/name", "name", Hint: id);
        return kind switch
        {
            "site" => [name, new("/time_zone", "time zone", Hint: "UTC")],
            "area" => [name, calendar],
            "line" =>
            [
                name, Parent(plant, "area"), calendar, new("/oee/policy", "OEE of the line", Choices: Policies),
                new(
                    "/oee/machine", "bottleneck",
                    Choices: [("", "none"), .. plant.Machines.Where(m => m.LineId == id).Select(m => (m.Id, BoardScope.NameOf(m)))]),
            ],
            "cell" => [name, Parent(plant, "line"), calendar],
            _ =>
            [
                name, Parent(plant, "line or cell"),
                new("/ideal_cycle_s", "ideal cycle, s", FieldKind.Number, Hint: "none: no performance"),
                new("/micro_stop_s", "short stop below, s", FieldKind.Number, Hint: Seconds(new OeeParameters().MicroStopS)),
                new("/edge_node", "edge node", Hint: "group/node"), new("/device", "device", Hint: id),
                calendar, new("/counter_modulus", "counter begins anew at", FieldKind.Number, Hint: "never"),
                new("/fallback", "second source", Hint: "none"),
                new("/performance_basis", "performance counts", Choices: Bases),
                new("/unknown_policy", "time without data is", Choices: UnknownPolicies),
                new("/planned_stop_modes", "modes that are planned stops", FieldKind.List, Hint: "none"),
                new("/failure_min_s", "failure from, s", FieldKind.Number, Hint: Seconds(new OeeParameters().FailureMinS)),
                new("/counter_max_delta", "counter jumps at most", FieldKind.Number, Hint: "any"),
                new("/vendor", "vendor"), new("/model", "model"), new("/protocol", "protocol"), new("/ip", "address"),
            ],
        };
    }

    public static IReadOnlyList<FieldSpec> Threshold(PlantModel plant) =>
    [
        new("/machine", "machine", Choices: [("", "choose"), .. plant.Machines.Select(m => (m.Id, BoardScope.NameOf(m)))]),
        new("/signal", "signal", Hint: "or a figure"), new("/kpi", "figure", Choices: Kpis), new("/window", "of the", Choices: Windows),
        new("/above", "above", FieldKind.Number), new("/below", "below", FieldKind.Number),
        new("/hysteresis", "over again when back by", FieldKind.Number, Hint: "0"),
        new("/delay_s", "after, s", FieldKind.Number, Hint: "0"), new("/severity", "severity, 0 to 1000", FieldKind.Number, Hint: "500"),
        new("/text", "text"),
    ];

    /// <summary>What a machine has by name: codes of products, faults and states.</summary>
    /// <param name="reasons">Of the plant.</param>
    public static IReadOnlyList<RowSpec> TablesOf(string kind, IReadOnlyList<StopReason> reasons) => kind != "machine"
        ? []
        :
        [
            new("/products", "Products", true, [new("", "product"), new("/ideal_cycle_s", "ideal cycle, s", FieldKind.Number)]),
            new(
                "/faults", "Faults", true,
                [
                    new("", "code"), new("/text", "text"),
                    new("/reason", "reason of its stops", Choices: [("", "none"), .. reasons.Select(r => (r.Id, r.Name))]),
                    new("/severity", "severity", FieldKind.Number, Hint: "0"),
                ]),
            new("/state_map", "States of state.code", true, [new("", "code"), new("", "run or stop", Choices: States)]),
        ];

    /// <summary>Of a machine's list of tag mappings.</summary>
    public static RowSpec Tags { get; } = new(
        "", "Tags", false,
        [
            new("/metric", "metric"), new("/signal", "signal"), new("/scale", "scale", FieldKind.Number, Hint: "1"),
            new("/offset", "offset", FieldKind.Number, Hint: "0"), new("/unit", "unit"),
            new("/deadband", "deadband", FieldKind.Number, Hint: "0"), new("/write/min", "write from", FieldKind.Number),
            new("/write/max", "to", FieldKind.Number), new("/write/step", "step", FieldKind.Number),
            new("/write/states", "while", FieldKind.List, Hint: "any"),
        ]);

    /// <summary>Of a calendar.</summary>
    public static IReadOnlyList<RowSpec> Calendar { get; } =
    [
        new(
            "/shifts", "Shifts", false,
            [
                new("/name", "name"), new("/start", "from"), new("/end", "to"), new("/days", "days", FieldKind.List, Hint: "every day"),
                new("/breaks", "breaks", FieldKind.Breaks, Hint: "09:00-09:15, 12:00-12:30"),
            ],
            IsOpen: true),
        new(
            "/exceptions", "Holidays and extra shifts", false,
            [
                new("/date", "date", Hint: "2026-12-25"), new("/until", "to", Hint: "that day"), new("/name", "name"),
                new("/closed", "closed", FieldKind.Flag, [("", "no"), ("true", "closed")]),
                new("/shifts", "shifts instead", FieldKind.Shifts, Hint: "early 06:00-12:00"),
                new("/extra", "extra shifts", FieldKind.Shifts, Hint: "extra 06:00-14:00"),
            ],
            IsOpen: true),
    ];

    public static string IdOf(JsonObject part) => part["id"]?.ToString() ?? "";

    private static FieldSpec Parent(PlantModel plant, string of)
    {
        var places = new List<(string, string)>();
        foreach (var area in plant.Areas)
        {
            if (of == "area") places.Add((area.Id, area.Name));
            if (of == "area") continue;
            foreach (var line in area.Lines)
            {
                places.Add((line.Id, line.Name));
                if (of == "line or cell") places.AddRange(line.Cells.Select(c => (c.Id, $"{line.Name}, {c.Name}")));
            }
        }

        return new FieldSpec("/parent_id", of, Choices: places);
    }

    private static string Seconds(decimal seconds) => seconds.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture);
}
