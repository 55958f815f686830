namespace OeeOrleans.S7.Tests;

/// <summary>Addresses as people write them.</summary>
public sealed class AddressTests
{
    [Theory]
    [InlineData("DB10.DBD4:REAL", S7Area.DataBlock, 10, 4, 0, S7DataType.Real, 1, 4)]
    [InlineData("DB1.DBX0.3", S7Area.DataBlock, 1, 0, 3, S7DataType.Bool, 1, 1)]
    [InlineData("db1.dbw2", S7Area.DataBlock, 1, 2, 0, S7DataType.Word, 1, 2)]
    [InlineData("MW20", S7Area.Flags, 0, 20, 0, S7DataType.Word, 1, 2)]
    [InlineData("M20.7", S7Area.Flags, 0, 20, 7, S7DataType.Bool, 1, 1)]
    [InlineData("MX20.7", S7Area.Flags, 0, 20, 7, S7DataType.Bool, 1, 1)]
    [InlineData("I0.1", S7Area.Inputs, 0, 0, 1, S7DataType.Bool, 1, 1)]
    [InlineData("EB4", S7Area.Inputs, 0, 4, 0, S7DataType.Byte, 1, 1)]
    [InlineData("QD8:DINT", S7Area.Outputs, 0, 8, 0, S7DataType.DInt, 1, 4)]
    [InlineData("A0.0", S7Area.Outputs, 0, 0, 0, S7DataType.Bool, 1, 1)]
    [InlineData("T5", S7Area.Timers, 0, 5, 0, S7DataType.Timer, 1, 2)]
    [InlineData("C3", S7Area.Counters, 0, 3, 0, S7DataType.Counter, 1, 2)]
    [InlineData("Z3:WORD", S7Area.Counters, 0, 3, 0, S7DataType.Word, 1, 2)]
    [InlineData("DB1.DBB10:STRING[20]", S7Area.DataBlock, 1, 10, 0, S7DataType.String, 1, 22)]
    [InlineData("DB1.DBB10:STRING", S7Area.DataBlock, 1, 10, 0, S7DataType.String, 1, 256)]
    [InlineData("DB1.DBB10:WSTRING[10]", S7Area.DataBlock, 1, 10, 0, S7DataType.WString, 1, 24)]
    [InlineData("DB1.DBB10:STRING[5][3]", S7Area.DataBlock, 1, 10, 0, S7DataType.String, 3, 24)]
    [InlineData("DB1.DBD8:DINT[10]", S7Area.DataBlock, 1, 8, 0, S7DataType.DInt, 10, 40)]
    [InlineData("DB1.DBX1.6:BOOL[4]", S7Area.DataBlock, 1, 1, 6, S7DataType.Bool, 4, 2)]
    [InlineData("DB1.DBB0:DTL", S7Area.DataBlock, 1, 0, 0, S7DataType.Dtl, 1, 12)]
    [InlineData("DB1.DBW0:S5TIME", S7Area.DataBlock, 1, 0, 0, S7DataType.S5Time, 1, 2)]
    [InlineData("DB1.DBB0:DT", S7Area.DataBlock, 1, 0, 0, S7DataType.DateAndTime, 1, 8)]
    [InlineData("DB65535.DBB65535", S7Area.DataBlock, 65535, 65535, 0, S7DataType.Byte, 1, 1)]
    public void What_is_an_address_is_read(
        string text, S7Area area, int db, int start, int bit, S7DataType type, int count, int bytes)
    {
        var address = S7Address.Parse(text);
        Assert.Equal((area, db, start, bit), (address.Area, address.Db, address.Start, address.Bit));
        Assert.Equal((type, count, bytes), (address.Type, address.Count, address.ByteLength));
        // And what it prints is the same address.
        Assert.Equal(address, S7Address.Parse(address.ToString()));
    }

    [Theory]
    [InlineData("", "begins with ''")]
    [InlineData("Filler1.Temp", "begins with 'FILLER'")]
    [InlineData("DB.DBW0", "number of the block is missing")]
    [InlineData("DB0.DBW0", "from 1 to 65535")]
    [InlineData("DB70000.DBW0", "from 1 to 65535")]
    [InlineData("DB99999999999.DBW0", "number of the block is missing")]
    [InlineData("DB1", "DBX, DBB, DBW or DBD")]
    [InlineData("DB1.DBQ0", "'DBQ' is none")]
    [InlineData("DB1.DBX0", "the bit, 0 to 7")]
    [InlineData("DB1.DBX0.8", "bits 0 to 7, not 8")]
    [InlineData("DB1.DBD-4", "offset is missing")]
    [InlineData("DB1.DBD4:FLOAT", "'FLOAT' is no type")]
    [InlineData("DB1.DBX0.0:INT", "a bit is a BOOL")]
    [InlineData("DB1.DBB0:BOOL", "needs its bit")]
    [InlineData("DB1.DBB0:STRING[300]", "1 to 254 characters")]
    [InlineData("DB1.DBB0:STRING[0]", "1 to 254 characters")]
    [InlineData("DB1.DBD0:DINT[0]", "at least one element")]
    [InlineData("DB1.DBD0:DINT[x]", "in brackets stands a number")]
    [InlineData("DB1.DBD0:DINT[2", "in brackets stands a number")]
    [InlineData("DB1.DBD0:DINT[2]x", "'x' is too much")]
    [InlineData("DB1.DBD65534", "an area has 65536 bytes")]
    [InlineData("DB1.DBB0:LREAL[2147483647]", "an area has 65536 bytes")]
    [InlineData("T5:DINT", "have 16 bits")]
    [InlineData("T5:STRING[20]", "have 16 bits")]
    [InlineData("T1073741829", "an area has 65536 bytes")]
    [InlineData("DB1.DBB70000", "an area has 65536 bytes")]
    public void What_is_none_is_refused_with_what_is_wrong(string text, string said)
    {
        var error = Assert.Throws<FormatException>(() => S7Address.Parse(text));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Contains("DB10.DBD4:REAL", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s7://10.0.4.17", 102, 0x0101)]
    [InlineData("s7://10.0.4.17?rack=0&slot=2", 102, 0x0102)]
    [InlineData("s7://10.0.4.17:1102?rack=1&slot=3", 1102, 0x0123)]
    [InlineData("s7://logo?local_tsap=0x0200&remote_tsap=03.00", 102, 0x0300)]
    public void A_source_says_whom_to_call(string url, int port, int remote)
    {
        Assert.True(S7ClientOptions.TryParse(url, out var options, out _));
        Assert.Equal((port, remote), (options!.Port, options.Remote));
    }

    [Theory]
    [InlineData("s7:", "is no S7 source")]
    [InlineData("http://x", "is no S7 source")]
    [InlineData("s7://x/0/1", "has no path")]
    [InlineData("s7://x?slot=99", "slot is a number from 0 to 31")]
    [InlineData("s7://x?pdu=10", "pdu is a number from 240 to 960")]
    [InlineData("s7://x?solt=1", "'solt' is nothing an S7 source knows")]
    public void A_source_that_says_nothing_is_refused(string url, string said)
    {
        Assert.False(S7ClientOptions.TryParse(url, out _, out var reason));
        Assert.Contains(said, reason, StringComparison.Ordinal);
    }
}
