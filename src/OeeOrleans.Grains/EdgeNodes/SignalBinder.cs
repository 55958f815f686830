using OeeOrleans.Grains.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>Says which signal of which machine a metric of an edge node is: by the plant model, else by its Sparkplug name.</summary>
internal sealed class SignalBinder(IStore store, PlantDirectory plant, string edgeNode)
{
    public async Task BindAsync(EdgeNodeDecoder decoder, IReadOnlyList<MetricDefinition> metrics)
    {
        foreach (var ofDevice in metrics.GroupBy(m => m.Device ?? "")) await BindDeviceAsync(decoder, ofDevice.Key, [.. ofDevice]);
    }

    private async Task BindDeviceAsync(EdgeNodeDecoder decoder, string device, IReadOnlyList<MetricDefinition> metrics)
    {
        var machine = plant.FindDevice(edgeNode, device);
        if (!decoder.Machines.TryGetValue(device, out var target))
        {
            // A device the plant model does not know is stored under its Sparkplug name.
            var id = machine?.Id ?? (device.Length == 0 ? edgeNode : $"{edgeNode}/{device}");
            decoder.Machines[device] = target = new MachineTarget(id, machine is not null);
        }

        var tags = machine?.Tags.ToDictionary(t => t.Metric) ?? [];
        var bound = metrics.Select(m => (Metric: m, Tag: tags.GetValueOrDefault(m.Name))).ToList();
        var ids = await store.ResolveSignalsAsync(
            target.Id, [.. bound.Select(b => new SignalSpec(b.Tag?.Signal ?? b.Metric.Name, b.Metric.Type.ToString(), b.Tag?.Unit))], CancellationToken.None);
        for (var i = 0; i < bound.Count; i++)
        {
            var (metric, tag) = bound[i];
            var kind = machine is null ? SignalKind.Other : CanonicalSignals.KindOf(tag?.Signal ?? metric.Name);
            metric.Binding = new SignalBinding(ids[i], target, kind, tag?.Scale ?? 1, tag?.Offset ?? 0);
            target.Signals[ids[i]] = kind;
        }
    }
}
