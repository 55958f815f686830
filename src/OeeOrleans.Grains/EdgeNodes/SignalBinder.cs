using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>Says which signal of which machine a metric of an edge node is: by the plant model, else by its Sparkplug name.</summary>
internal sealed class SignalBinder(IStore store, PlantDirectory plant, string edgeNode)
{
    /// <summary>What the plant model said of this node when something was bound last; null: nothing was.</summary>
    private IReadOnlyList<(Machine Machine, HashSet<string> Limits)>? _bound;
    private PlantIndex? _seen;

    /// <summary>Whether what is bound means something else by now; said once.</summary>
    /// <param name="machines">Machines of this node that are bound otherwise than before, or were not.</param>
    public bool IsOutdated(out IReadOnlyList<string> machines)
    {
        machines = [];
        var now = plant.Now;
        if (_bound is not { } bound || ReferenceEquals(now, _seen)) return false;
        (_seen, _bound) = (now, Mine(now));
        var before = bound.ToDictionary(b => b.Machine.Id);
        bool IsAsBefore((Machine Machine, HashSet<string> Limits) b) =>
            before.TryGetValue(b.Machine.Id, out var was) && SameBinding(b, was);
        machines = [.. _bound.Where(b => !IsAsBefore(b)).Select(b => b.Machine.Id)];
        return machines.Count > 0 || _bound.Count != bound.Count;
    }

    public async Task BindAsync(EdgeNodeDecoder decoder, IReadOnlyList<MetricDefinition> metrics)
    {
        if (_bound is null)
        {
            var now = plant.Now;
            (_seen, _bound) = (now, Mine(now));
        }

        foreach (var ofDevice in metrics.GroupBy(m => m.Device ?? "")) await BindDeviceAsync(decoder, ofDevice.Key, [.. ofDevice]);
    }

    private List<(Machine, HashSet<string>)> Mine(PlantIndex index) =>
        [.. index.Plant.Machines.Where(m => m.EdgeNode == edgeNode).Select(m => (m, LimitsOf(index, m)))];

    /// <summary>Signals of a machine that have a limit.</summary>
    private static HashSet<string> LimitsOf(PlantIndex index, Machine machine) =>
        [.. index.FindModel(machine.Id)?.Thresholds.Select(t => t.Signal).OfType<string>() ?? []];

    private static bool SameBinding((Machine Machine, HashSet<string> Limits) a, (Machine Machine, HashSet<string> Limits) b) =>
        (a.Machine.Id, a.Machine.Device) == (b.Machine.Id, b.Machine.Device) && a.Limits.SetEquals(b.Limits)
        && a.Machine.Tags.SequenceEqual(b.Machine.Tags);

    private async Task BindDeviceAsync(EdgeNodeDecoder decoder, string device, IReadOnlyList<MetricDefinition> metrics)
    {
        var machine = plant.FindDevice(edgeNode, device);
        var retired = machine is null ? plant.Now.FindRetiredDevice(edgeNode, device) : null;
        if (decoder.Machines.Count > SparkplugLimits.MaxDevicesPerNode) decoder.ForgetDevices();
        if (!decoder.Machines.TryGetValue(device, out var target))
        {
            // A device the plant model does not know is stored under its Sparkplug name, and one that was a machine under that one's:
            // should it be one again, nothing is missing.
            var id = (machine ?? retired)?.Id ?? (device.Length == 0 ? edgeNode : $"{edgeNode}/{device}");
            decoder.Machines[device] = target = new MachineTarget(id, machine is not null);
        }

        var tags = (machine ?? retired)?.Tags.ToDictionary(t => t.Metric) ?? [];
        var bound = metrics.Select(m => (Metric: m, Tag: tags.GetValueOrDefault(m.Name))).ToList();
        var specs = bound.Select(b => new SignalSpec(b.Tag?.Signal ?? b.Metric.Name, b.Metric.Type.ToString(), b.Tag?.Unit)).ToList();
        var limits = machine is null ? [] : LimitsOf(plant.Now, machine);
        target.WatchedNames = limits;
        var ids = await store.ResolveSignalsAsync(target.Id, specs, machine is not null, CancellationToken.None);
        for (var i = 0; i < bound.Count; i++)
        {
            var (metric, tag) = bound[i];
            if (ids[i] == 0)
            {
                metric.Binding = new SignalRefusal(
                    $"the store has as many signals as it may; '{target.Id}' is not in the plant model and gets no new ones");
                continue;
            }

            var kind = machine is null ? SignalKind.Other : CanonicalSignals.KindOf(tag?.Signal ?? metric.Name);
            var name = specs[i].Name;
            metric.Binding = new SignalBinding(
                ids[i], target, kind, tag?.Scale ?? 1, tag?.Offset ?? 0, limits.Contains(name) ? name : null);
            target.Signals[ids[i]] = kind;
        }
    }
}
