namespace OeeOrleans.Cip.Tests;

public sealed class AddressTests
{
    [Theory]
    [InlineData("Tag", "91 03 54 61 67 00")]
    [InlineData("Even", "91 04 45 76 65 6E")]
    [InlineData("Tag[3]", "91 03 54 61 67 00 28 03")]
    [InlineData("Tag[255]", "91 03 54 61 67 00 28 FF")]
    [InlineData("Tag[256]", "91 03 54 61 67 00 29 00 00 01")]
    [InlineData("Tag[65536]", "91 03 54 61 67 00 2A 00 00 00 01 00")]
    [InlineData("Tag[1,2, 3]", "91 03 54 61 67 00 28 01 28 02 28 03")]
    [InlineData("Tag.X", "91 03 54 61 67 00 91 01 58 00")]
    [InlineData("Tag[1].X[2]", "91 03 54 61 67 00 28 01 91 01 58 00 28 02")]
    [InlineData("Program:Main.Tag", "91 0C 50 72 6F 67 72 61 6D 3A 4D 61 69 6E 91 03 54 61 67 00")]
    [InlineData("Local:1:I.Data", "91 09 4C 6F 63 61 6C 3A 31 3A 49 00 91 04 44 61 74 61")]
    [InlineData("Tag.5", "91 03 54 61 67 00")]
    [InlineData("Tag[3]{10}", "91 03 54 61 67 00 28 03")]
    public void A_tag_has_the_path_that_the_controller_wants(string text, string path)
    {
        var address = (CipTagAddress)CipAddress.Parse(text, CipPlc.ControlLogix);
        Assert.Equal(path.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexString(address.Path));
        Assert.Equal(text, address.ToString());
    }

    [Fact]
    public void Two_of_the_same_are_equal()
    {
        Assert.Equal(CipAddress.Parse("Tag[1].X", CipPlc.ControlLogix), CipAddress.Parse("tag[1].x", CipPlc.ControlLogix));
        Assert.Equal(CipRoute.Parse("1,0"), CipRoute.Parse("01,0"));
        Assert.Equal(CipRoute.Parse("1,0").GetHashCode(), CipRoute.Parse("01,0").GetHashCode());
        Assert.NotEqual(CipAddress.Parse("Tag[1]", CipPlc.ControlLogix), CipAddress.Parse("Tag[2]", CipPlc.ControlLogix));
    }

    [Theory]
    [InlineData(3_000, 4, 150)]
    [InlineData(100, 4, 5)]
    [InlineData(60_000, 8, 187)]
    public void A_router_gives_up_before_we_do(int timeoutMs, int tick, int count) =>
        Assert.Equal(((byte)tick, (byte)count), Wire.CipLink.RouterTime(TimeSpan.FromMilliseconds(timeoutMs)));

    [Fact]
    public void A_number_at_the_end_is_a_bit_and_braces_are_a_count()
    {
        Assert.Equal(5, CipAddress.Parse("Tag.5", CipPlc.ControlLogix).Bit);
        Assert.Equal(5, CipAddress.Parse("Udt.Word[2].5", CipPlc.ControlLogix).Bit);
        Assert.Equal(10, CipAddress.Parse("Arr{10}", CipPlc.ControlLogix).Count);
        Assert.Null(CipAddress.Parse("Arr[10]", CipPlc.ControlLogix).Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1Tag")]
    [InlineData("Tag.")]
    [InlineData("Tag..X")]
    [InlineData("Tag[")]
    [InlineData("Tag[]")]
    [InlineData("Tag[-1]")]
    [InlineData("Tag[1,2,3,4]")]
    [InlineData("Tag[4294967296]")]
    [InlineData("Tag{0}")]
    [InlineData("Tag{65536}")]
    [InlineData("{3}")]
    [InlineData("Tag.64")]
    [InlineData("Tag.5{2}")]
    [InlineData("Tä")]
    [InlineData("Program:Main")]
    [InlineData("A name with spaces")]
    [InlineData("AnameOfMoreThanFortyLettersIsNoneThatAControllerTakes")]
    public void What_is_no_tag_is_named_with_what_would_be(string text)
    {
        Assert.False(CipAddress.TryParse(text, CipPlc.ControlLogix, out var address, out var reason));
        Assert.Null(address);
        Assert.StartsWith($"'{text}'", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("N7:0", PcccFileType.Integer, 7, 0, 0, null)]
    [InlineData("n7:255", PcccFileType.Integer, 7, 255, 0, null)]
    [InlineData("N7:3/15", PcccFileType.Integer, 7, 3, 0, 15)]
    [InlineData("B3:2/5", PcccFileType.Bit, 3, 2, 0, 5)]
    [InlineData("B3/37", PcccFileType.Bit, 3, 2, 0, 5)]
    [InlineData("F8:1", PcccFileType.Float, 8, 1, 0, null)]
    [InlineData("T4:0.ACC", PcccFileType.Timer, 4, 0, 2, null)]
    [InlineData("T4:0.pre", PcccFileType.Timer, 4, 0, 1, null)]
    [InlineData("T4:7/DN", PcccFileType.Timer, 4, 7, 0, 13)]
    [InlineData("C5:1.DN", PcccFileType.Counter, 5, 1, 0, 13)]
    [InlineData("R6:0.POS", PcccFileType.Control, 6, 0, 2, null)]
    [InlineData("S:1/15", PcccFileType.Status, 2, 1, 0, 15)]
    [InlineData("S2:4", PcccFileType.Status, 2, 4, 0, null)]
    [InlineData("I:1/3", PcccFileType.Input, 1, 1, 0, 3)]
    [InlineData("I:1.2/3", PcccFileType.Input, 1, 1, 2, 3)]
    [InlineData("O:2.1", PcccFileType.Output, 0, 2, 1, null)]
    [InlineData("L19:4/31", PcccFileType.Long, 19, 4, 0, 31)]
    [InlineData("ST18:3", PcccFileType.String, 18, 3, 0, null)]
    public void An_element_of_a_data_file_says_where_it_is(string text, PcccFileType file, int number, int element, int word, int? bit)
    {
        var address = (PcccAddress)CipAddress.Parse(text, CipPlc.Slc500);
        Assert.Equal(
            (file, number, element, word, bit), (address.File, address.FileNumber, address.Element, address.Word, address.Bit));
    }

    [Fact]
    public void Inputs_and_outputs_of_a_PLC5_are_octal()
    {
        var address = (PcccAddress)CipAddress.Parse("I:017/15", CipPlc.Plc5);
        Assert.Equal((15, 13), (address.Element, address.Bit));
        Assert.False(CipAddress.TryParse("I:018", CipPlc.Plc5, out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("N7")]
    [InlineData("N:0")]
    [InlineData("N256:0")]
    [InlineData("N7:10000")]
    [InlineData("N7:0/16")]
    [InlineData("F8:0/1")]
    [InlineData("T4:0.XYZ")]
    [InlineData("T4:0.ACC/1")]
    [InlineData("N7:0.1")]
    [InlineData("X7:0")]
    [InlineData("N7/5")]
    [InlineData("N7:0/1{2}")]
    [InlineData("T4:0.ACC{2}")]
    [InlineData("Tag")]
    [InlineData("L19:0/32")]
    public void What_is_no_element_is_named_with_what_would_be(string text)
    {
        Assert.False(CipAddress.TryParse(text, CipPlc.Slc500, out var address, out var reason));
        Assert.Null(address);
        Assert.StartsWith($"'{text}'", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cip://plc", CipPlc.ControlLogix, 44818, "")]
    [InlineData("cip://plc:2222/1,0?plc=compactlogix", CipPlc.CompactLogix, 2222, "0100")]
    [InlineData("cip://plc/1,3,2,10.0.0.1,1,0", CipPlc.ControlLogix, 44818, "0103120831302E302E302E310100")]
    [InlineData("cip://plc?plc=micrologix&timeout_ms=500", CipPlc.MicroLogix, 44818, "")]
    [InlineData("cip://plc?plc=PLC5", CipPlc.Plc5, 44818, "")]
    public void A_URL_says_which_controller_and_how_it_is_reached(string text, CipPlc plc, int port, string route)
    {
        Assert.True(CipClientOptions.TryParse(text, out var options, out var reason), reason);
        Assert.Equal((plc, port, route), (options!.Plc, options.Port, Convert.ToHexString(options.Route.Bytes)));
    }

    [Theory]
    [InlineData("http://plc", "is no CIP source")]
    [InlineData("cip://plc/1", "is no route")]
    [InlineData("cip://plc/15,0", "is no route")]
    [InlineData("cip://plc/1,256", "is no route")]
    [InlineData("cip://plc/1,x", "is no route")]
    [InlineData("cip://plc?plc=s7", "plc is controllogix, compactlogix")]
    [InlineData("cip://plc?plc=3", "plc is controllogix, compactlogix")]
    [InlineData("cip://plc?slot=1", "'slot' is nothing a CIP source knows")]
    [InlineData("cip://plc?jobs=17", "jobs is a number from 1 to 16")]
    [InlineData("cip://plc?connected=1", "connected is true or false")]
    [InlineData("cip://plc/1,0?plc=micro800", "has no backplane")]
    public void A_URL_that_cannot_be_used_says_what_could(string text, string said)
    {
        Assert.False(CipClientOptions.TryParse(text, out _, out var reason));
        Assert.Contains(said, reason, StringComparison.Ordinal);
    }
}
