using CsCheck;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Tests;

/// <summary>What a machine's model was over time, after changes of the plant.</summary>
public sealed class ModelChangeTests
{
    private const long Now = 1_000;

    private static readonly IReadOnlyList<ModelVersion> First = ModelHistory.Update([], Plant(1), 0);

    [Fact]
    public void A_change_without_a_time_holds_from_now_on() =>
        Assert.Equal([(0, 1), (Now, 2)], Cycles(ModelHistory.Change(First, Plant(1), Plant(2), ModelTimes.Now, Now)));

    [Fact]
    public void A_change_with_a_time_replaces_what_was_said_from_then_on()
    {
        var twice = ModelHistory.Change(First, Plant(1), Plant(2), ModelTimes.From(500), Now);
        Assert.Equal([(0, 1), (500, 2)], Cycles(twice));
        Assert.Equal([(0, 1), (300, 3)], Cycles(ModelHistory.Change(twice, Plant(2), Plant(3), ModelTimes.From(300), Now)));
        Assert.Equal([(0, 1), (500, 3)], Cycles(ModelHistory.Change(twice, Plant(2), Plant(3), ModelTimes.From(500), Now)));
    }

    [Fact]
    public void What_is_as_it_was_is_touched_only_when_its_time_is_said()
    {
        var twice = ModelHistory.Change(First, Plant(1), Plant(2), ModelTimes.From(500), Now);
        Assert.Equal(twice, ModelHistory.Change(twice, Plant(2), Plant(2), ModelTimes.From(100), Now));
        var said = new ModelTimes(null, new Dictionary<string, long> { ["m"] = 100 }, new Dictionary<string, long>());
        Assert.Equal([(0, 1), (100, 2)], Cycles(ModelHistory.Change(twice, Plant(2), Plant(2), said, Now)));
    }

    [Fact]
    public void Two_machines_of_one_change_have_times_of_their_own()
    {
        var (before, after) = (Plant(1, "m", "n"), Plant(2, "m", "n"));
        var times = new ModelTimes(null, new Dictionary<string, long> { ["m"] = 200, ["n"] = 800 }, new Dictionary<string, long>());
        var versions = ModelHistory.Change(ModelHistory.Update([], before, 0), before, after, times, Now);
        Assert.Equal([(0, 1), (200, 2)], Cycles(versions));
        Assert.Equal([(0, 1), (800, 2)], Cycles(versions, "n"));
    }

    [Fact]
    public void What_is_to_hold_later_stops_a_change_from_now_on_until_a_time_is_given()
    {
        var pending = ModelHistory.Change(First, Plant(1), Plant(2), ModelTimes.From(5_000), Now);
        var error = Assert.Throws<PendingModelException>(() => ModelHistory.Change(pending, Plant(2), Plant(3), ModelTimes.Now, Now));
        Assert.Contains("valid_from", error.Message, StringComparison.Ordinal);
        Assert.Equal([(0, 1), (5_000, 3)], Cycles(ModelHistory.Change(pending, Plant(2), Plant(3), ModelTimes.From(5_000), Now)));
        Assert.Equal([(0, 1), (Now, 3)], Cycles(ModelHistory.Change(pending, Plant(2), Plant(3), ModelTimes.From(Now), Now)));
    }

    [Fact]
    public void A_machine_that_is_there_again_goes_on_from_what_it_was()
    {
        var gone = ModelHistory.Change(First, Plant(1), Plant(1, "other"), ModelTimes.Now, Now);
        Assert.Equal([(0, 1)], Cycles(gone));
        Assert.Equal([(0, 1)], Cycles(ModelHistory.Change(gone, Plant(1, "other"), Plant(1), ModelTimes.Now, Now)));
        Assert.Equal([(0, 1), (Now, 4)], Cycles(ModelHistory.Change(gone, Plant(1, "other"), Plant(4), ModelTimes.Now, Now)));
    }

    [Fact]
    public void A_file_says_times_only_of_what_it_says_anew()
    {
        var stale = Plant(2) with { Areas = [Area(2, 500, "m")] };
        Assert.Empty(ModelTimes.Of(stale, stale).Machines);
        Assert.Equal(500, ModelTimes.Of(Plant(2), stale).Machines["m"]);
        Assert.Equal(500, ModelTimes.Of(stale, stale with { Areas = [Area(3, 500, "m")] }).Machines["m"]);
    }

    /// <summary>Versions stay in order, begin at the beginning, and no two in a row say the same.</summary>
    [Fact]
    public void Whatever_is_changed_when_it_stays_a_history() =>
        Gen.Select(Gen.Int[1, 3], Gen.OneOf(Gen.Const((long?)null), Gen.Long[1, 900].Select(t => (long?)t))).Array[1, 12].Sample(changes =>
        {
            var (versions, plant) = (First, Plant(1));
            foreach (var (cycle, time) in changes)
            {
                var next = Plant(cycle);
                versions = ModelHistory.Change(versions, plant, next, ModelTimes.From(time), Now);
                plant = next;
                var cycles = Cycles(versions);
                Assert.Equal(0, cycles[0].From);
                Assert.Equal(cycle, cycles[^1].Cycle);
                Assert.All(cycles.Zip(cycles.Skip(1)), p => Assert.True(p.First.From < p.Second.From && p.First.Cycle != p.Second.Cycle));
            }
        });

    private static PlantModel Plant(int cycle, params string[] machines) => new()
    {
        Site = new Site("s", "S", "UTC"), Areas = [Area(cycle, null, machines.Length > 0 ? machines : ["m"])],
    };

    private static Area Area(int cycle, long? validFromUs, params string[] machines) => new()
    {
        Id = "a",
        Lines =
        [
            new Line
            {
                Id = "l",
                Machines =
                [
                    .. machines.Select(m => new Machine
                    {
                        Id = m, LineId = "l", Oee = new OeeParameters { IdealCycleS = cycle }, ValidFromUs = validFromUs,
                    }),
                ],
            },
        ],
    };

    private static List<(long From, int Cycle)> Cycles(IReadOnlyList<ModelVersion> versions, string machine = "m") =>
    [
        .. versions.Where(v => v.Machine == machine && v.Part == ModelHistory.OeePart)
            .Select(v => (v.FromUs, (int)ModelHistory.Parameters(v.Model).IdealCycleS!)),
    ];
}
