namespace OeeOrleans.Cip.Tests;

/// <summary>Structures that tests use.</summary>
internal static class Texts
{
    public static CipTemplate Logix { get; } = Of("STRING", 82, CipType.StringHandle);

    public static CipTemplate Of(string name, int capacity, ushort handle = 0xBEEF) => new(
        name, handle, (4 + capacity + 3) & ~3,
        [
            new CipMember("LEN", new CipType(CipDataType.Dint), 0),
            new CipMember("DATA", new CipType(CipDataType.Sint), 4, capacity),
        ]);

    public static CipTemplate Machine()
    {
        var nested = new CipTemplate(
            "SPEEDS", 0x1234, 8,
            [new CipMember("Speed", new CipType(CipDataType.Real), 0), new CipMember("Target", new CipType(CipDataType.Real), 4)]);
        var name = Of("STRING12", 12, 0xCAFE);
        return new CipTemplate(
            "MACHINE", 0xABCD, 44,
            [
                new CipMember("ZZZZZZZZZZMACHINE0", new CipType(CipDataType.Sint), 0),
                new CipMember("Running", new CipType(CipDataType.Bool), 0, Bit: 0),
                new CipMember("Fault", new CipType(CipDataType.Bool), 0, Bit: 1),
                new CipMember("Good", new CipType(CipDataType.Dint), 4),
                new CipMember("Nested", new CipType(CipDataType.Structure, nested.Handle) { Template = nested }, 8),
                new CipMember("Hours", new CipType(CipDataType.Int), 16, 5),
                new CipMember("Name", new CipType(CipDataType.Structure, name.Handle) { Template = name }, 28),
            ]);
    }
}
