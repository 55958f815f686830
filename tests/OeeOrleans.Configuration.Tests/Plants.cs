using OeeOrleans.Configuration.Document;

namespace OeeOrleans.Configuration.Tests;

/// <summary>A small plant to edit.</summary>
internal static class Plants
{
    public const string Json =
        """
        {
          "site": { "id": "berlin", "name": "Berlin", "time_zone": "Europe/Berlin" },
          "calendars": [{ "id": "early", "shifts": [{ "name": "early", "start": "06:00", "end": "14:00" }] }],
          "reasons": [{ "id": "jam", "name": "Jam", "loss": "breakdown" }],
          "areas": [{ "id": "packaging", "calendar": "early", "lines": [
            { "id": "line1", "machines": [
              { "id": "filler1", "ideal_cycle_s": 0.5, "edge_node": "berlin/edge1", "tags": [{ "metric": "Run", "signal": "state.run" }] },
              { "id": "capper1", "faults": { "E1": { "reason": "jam" } } }], "cells": [{ "id": "cell1", "machines": [{ "id": "robot1" }] }] },
            { "id": "line2", "machines": [{ "id": "filler2" }] }] }]
        }
        """;

    public static PlantDocument Small => PlantDocument.Parse(Json);
}
