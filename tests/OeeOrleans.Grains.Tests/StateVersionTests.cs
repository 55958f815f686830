using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.Tests;

/// <summary>
/// States as earlier releases wrote them (files in `states/`, never to be changed): a silo of this release starts from them.
/// </summary>
public sealed class StateVersionTests
{
    [Fact]
    public void A_machine_snapshot_of_an_earlier_release_is_taken_up()
    {
        var snapshot = MachineSnapshot.Parse(Read("machine-snapshot.v1.json"));
        Assert.NotNull(snapshot);
        Assert.Equal((HeldState.Run, "A100", 1_795_512_378_540_000), (snapshot.State.Held, snapshot.State.Product, snapshot.State.NowUs));
        Assert.Equal(5, snapshot.Changes.Count);
        Assert.NotEmpty(snapshot.Model);
        Assert.Equal(snapshot.ToJson(), MachineSnapshot.Parse(snapshot.ToJson())!.ToJson());
    }

    [Fact]
    public void An_edge_nodes_state_of_an_earlier_release_is_taken_up()
    {
        var state = NodeState.Parse(Read("node-state.v1.json"));
        Assert.Equal((156, 1_795_513_095_916UL), (state.LastSeq, state.LastMs));
        Assert.Equal(1_795_513_096_335_997, state.Dead["filler1"]);
        Assert.Equal(("q1", 7UL, true), (state.Committed.Queue, state.Committed.Mark, state.Committed.HasHoles));
    }

    [Fact]
    public void What_cannot_be_read_is_computed_anew() =>
        Assert.Null(MachineSnapshot.Parse("""{ "State": { "Version": 1 }, "Faults": [], "Changes": [], "SinceUs": 0, "Model": [] }"""));

    private static string Read(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "states", name));
}
