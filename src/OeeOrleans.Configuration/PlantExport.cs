using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Configuration;

/// <summary>A plant with the history of its machines' models, as one JSON object: imported into an empty plant, the same samples give the
/// same windows.</summary>
public static class PlantExport
{
    /// <summary>`history: [{ machine, part, from, model }]`; left out where no model ever changed.</summary>
    public const string HistoryKey = "history";

    public static JsonObject Of(PlantState state)
    {
        var root = state.Document.Copy();
        // What the document says already.
        var said = ModelHistory.Update([], state.Plant, 0);
        if (said.OrderBy(v => (v.Machine, v.Part)).SequenceEqual(state.Models.OrderBy(v => (v.Machine, v.Part)))) return root;
        root[HistoryKey] = new JsonArray([
            .. state.Models.Select(v => new JsonObject
            {
                ["machine"] = v.Machine,
                ["part"] = v.Part,
                ["from"] = v.FromUs > 0 ? UnixMicros.ToIso(v.FromUs) : null,
                ["model"] = JsonNode.Parse(v.Model),
            }),
        ]);
        return root;
    }

    /// <summary>The history in an export; empty where it has none.</summary>
    /// <exception cref="ConfigException">It is no such list.</exception>
    public static IReadOnlyList<ModelVersion> HistoryIn(JsonNode? history)
    {
        if (history is null) return [];
        if (history is not JsonArray list) throw Wrong("", "a list is needed");
        var versions = new List<ModelVersion>();
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is not JsonObject entry) throw Wrong($"/{i}", "an object is needed");
            var (machine, part) = (entry["machine"]?.ToString(), entry["part"]?.ToString());
            if (machine is not { Length: > 0 }) throw Wrong($"/{i}", "'machine' is missing");
            if (part is not (ModelHistory.OeePart or ModelHistory.CalendarPart))
            {
                throw Wrong($"/{i}/part", $"'{part}' is neither oee nor calendar");
            }

            var fromUs = 0L;
            if (entry["from"] is { } from && !UnixMicros.TryParse(from.ToString(), out fromUs))
            {
                throw Wrong($"/{i}/from", $"'{from}' is not a time such as 2026-01-05T06:00:00Z");
            }

            if (entry["model"] is not JsonObject model) throw Wrong($"/{i}/model", "an object is needed");
            versions.Add(new ModelVersion(machine, part, fromUs, Checked(part, model.ToJsonString(), $"/{i}/model")));
        }

        foreach (var part in versions.GroupBy(v => (v.Machine, v.Part)).Where(g => g.All(v => v.FromUs > 0)))
        {
            throw Wrong("", $"{part.Key.Machine} ({part.Key.Part}) needs an entry without 'from': what was from the beginning on");
        }

        return versions;
    }

    private static string Checked(string part, string model, string pointer)
    {
        try
        {
            if (part == ModelHistory.OeePart) _ = ModelHistory.Parameters(model);
            else _ = new Kpi.Calendars.ShiftCalendar(ModelHistory.Calendar(model).Plan, ModelHistory.Calendar(model).Zone);
            return model;
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or ArgumentException or NotSupportedException)
        {
            throw Wrong(pointer, $"it cannot be read: {error.Message}");
        }
    }

    private static ConfigException Wrong(string pointer, string message) =>
        new([new ConfigProblem("", 1, message) { Pointer = $"/{HistoryKey}{pointer}" }]);
}
