using OeeOrleans.Model.Plant;

namespace OeeOrleans.Access.Tests;

/// <summary>Two areas with two lines each, two machines a line: `a1`, `a1l1`, `a1l1m1`.</summary>
internal static class Plants
{
    public static PlantModel Small { get; } = new()
    {
        Site = new Site("site", "Site", "UTC"),
        Areas =
        [
            .. new[] { "a1", "a2" }.Select(area => new Area
            {
                Id = area,
                Lines =
                [
                    .. new[] { "l1", "l2" }.Select(line => new Line
                    {
                        Id = area + line, AreaId = area,
                        Machines =
                        [
                            .. new[] { "m1", "m2" }.Select(machine => new Machine
                            {
                                Id = area + line + machine, Name = machine, LineId = area + line, EdgeNode = $"g/{area}{line}",
                            }),
                        ],
                    }),
                ],
            }),
        ],
    };
}
