using System.Security.Cryptography;
using System.Text.Json;
using OeeOrleans.Host.Config;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Host.Hosting;

/// <summary>What a start makes of the plant model, for the audit log.</summary>
internal static class PlantChange
{
    public const string Action = "plant.model";

    /// <summary>Of a plant that changes as a whole no more are named.</summary>
    private const int MaxNamed = 50;

    /// <param name="config">With the model of the file.</param>
    /// <param name="before">Versions of machines' models that the store has.</param>
    /// <param name="after">And those it is about to have.</param>
    /// <returns>What tells this model from any other, and the entry for when it is another one than before.</returns>
    public static (string Digest, AuditEntry Entry) Of(
        OeeConfig config, IReadOnlyList<ModelVersion> before, IReadOnlyList<ModelVersion> after, long nowUs)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(config.Plant)));
        // The first model of a machine is from the beginning of time; it has changed nothing.
        var changed = after.Except(before).Where(m => m.FromUs > 0).ToList();
        var detail = JsonSerializer.Serialize(new
        {
            sha256 = digest,
            release = typeof(PlantChange).Assembly.GetName().Version?.ToString(3),
            machines = config.Plant.Machines.Count(),
            changed = changed.Take(MaxNamed).Select(m => new { machine = m.Machine, part = m.Part, from = UnixMicros.ToIso(m.FromUs) }),
            more = Math.Max(0, changed.Count - MaxNamed),
        });
        return (digest, new AuditEntry(nowUs, "system", Action, config.Plant.Site.Id, detail) { Origin = "configuration file" });
    }
}
