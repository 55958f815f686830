using CsCheck;

namespace OeeOrleans.S7.Tests;

/// <summary>Bytes and values: known ones, and there and back for all.</summary>
public sealed class CodecTests
{
    /// <summary>Address, bytes, value as invariant text; from the manuals and snap7's documentation.</summary>
    public static TheoryData<string, string, string> Known() => new()
    {
        { "DB1.DBX0.3", "08", "True" },
        { "DB1.DBB0:SINT", "80", "-128" },
        { "DB1.DBB0:CHAR", "E4", "ä" },
        { "DB1.DBW0:INT", "8000", "-32768" },
        { "DB1.DBW0:WCHAR", "2603", "☃" },
        { "DB1.DBD0:DINT", "80000000", "-2147483648" },
        { "DB1.DBD0:REAL", "3DCCCCCD", "0.1" },
        { "DB1.DBB0:LREAL", "3FB999999999999A", "0.1" },
        { "DB1.DBB0:ULINT", "FFFFFFFFFFFFFFFF", "18446744073709551615" },
        { "DB1.DBB0:LINT", "8000000000000000", "-9223372036854775808" },
        { "DB1.DBB0:STRING[4]", "0402E4410000", "äA" },
        { "DB1.DBB0:WSTRING[2]", "0002000126030000", "☃" },
        { "DB1.DBW0:DATE", "0000", "01/01/1990" },
        { "DB1.DBW0:DATE", "3393", "02/24/2026" },
        { "DB1.DBD0:TIME_OF_DAY", "0036EE81", "01:00" },
        { "DB1.DBB0:DATE_AND_TIME", "2611281234567891", "11/28/2026 12:34:56" },
        { "DB1.DBB0:DTL", "07EA0B1C070C22380BEBC1FF", "2026-11-28T12:34:56.199999999" },
        { "DB1.DBD0:TIME", "FFFFFFFF", "-00:00:00.0010000" },
        { "DB1.DBB0:LTIME", "0000000000000001", "0.000000001 s" },
        { "DB1.DBW0:S5TIME", "2123", "00:02:03" },
        { "DB1.DBW0:S5TIME", "0999", "00:00:09.9900000" },
        { "T1", "3001", "00:00:10" },
        { "C1", "0123", "123" },
    };

    [Theory]
    [MemberData(nameof(Known))]
    public void Known_bytes_are_the_value_of_the_manual(string address, string hex, string value) =>
        Assert.Equal(
            value,
            Convert.ToString(S7Codec.Decode(S7Address.Parse(address), Convert.FromHexString(hex)),
                System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("DB1.DBB0:STRING[4]", "04FF41424344")]
    [InlineData("DB1.DBB0:WSTRING[2]", "0002000300410042")]
    [InlineData("DB1.DBW0:S5TIME", "0A00")]
    [InlineData("C1", "0F00")]
    [InlineData("DB1.DBB0:DATE_AND_TIME", "2613281234567891")]
    [InlineData("DB1.DBB0:DATE_AND_TIME", "FFFFFFFFFFFFFFFF")]
    [InlineData("DB1.DBB0:DTL", "000000000000000000000000")]
    [InlineData("DB1.DBD0:TIME_OF_DAY", "FFFFFFFF")]
    [InlineData("DB1.DBD0:DINT", "0000")]
    public void Bytes_that_are_no_value_are_said_and_no_value_is_made_up(string address, string hex) =>
        Assert.Throws<FormatException>(() => S7Codec.Decode(S7Address.Parse(address), Convert.FromHexString(hex)));

    [Fact]
    public void Whatever_is_written_is_read_back()
    {
        string[] names =
            ["INT", "UINT", "SINT", "USINT", "DINT", "UDINT", "LINT", "ULINT", "REAL", "LREAL", "BYTE", "WORD", "DWORD", "LWORD"];
        var types = Gen.Int[0, names.Length - 1].Select(i => names[i]);
        Gen.Select(types, Gen.Byte.Array[8], Gen.Int[1, 5]).Sample((type, bytes, count) =>
        {
            var one = S7Address.Parse($"DB1.DBB0:{type}");
            var value = S7Codec.Decode(one, bytes);
            var again = new byte[8];
            S7Encoder.Encode(one, value, again);
            // Of a NaN any pattern is one.
            if (value is not (float.NaN or double.NaN)) Assert.Equal(bytes[..one.ByteLength], again[..one.ByteLength]);
            var many = S7Address.Parse($"DB1.DBB0:{type}[{count}]");
            var all = Enumerable.Repeat(value, count).ToArray();
            var room = new byte[8 * count];
            Assert.Equal(many.ByteLength, S7Encoder.Encode(many, all, room));
            Assert.Equal(all, ((Array)S7Codec.Decode(many, room)).Cast<object>());
        });
    }

    [Fact]
    public void Times_are_read_back_to_the_nanosecond()
    {
        var dtl = S7Address.Parse("DB1.DBB0:DTL");
        Gen.Select(Gen.DateTime[new DateTime(1970, 1, 1), new DateTime(2500, 1, 1)], Gen.Int[0, 99]).Sample((time, ns) =>
        {
            var stamp = new S7Timestamp(DateTime.SpecifyKind(time, DateTimeKind.Unspecified), ns);
            var bytes = new byte[12];
            S7Encoder.Encode(dtl, stamp, bytes);
            Assert.Equal(stamp, S7Codec.Decode(dtl, bytes));
            S7Encoder.Encode(dtl, stamp.ToString(), bytes);
            Assert.Equal(stamp, S7Codec.Decode(dtl, bytes));
        });
    }

    [Theory]
    [InlineData("DB1.DBW0:INT", 40000, "-32768 to 32767 are possible")]
    [InlineData("DB1.DBW0:INT", 1.5, "no whole number")]
    [InlineData("DB1.DBW0:INT", "1,5", "is no Int")]
    [InlineData("DB1.DBW0:INT", true, "is no Int")]
    [InlineData("DB1.DBX0.0", 2, "is no Bool")]
    [InlineData("DB1.DBD0:REAL", 1e300, "too large for 32 bits")]
    [InlineData("DB1.DBB0:STRING[3]", "abcd", "4 characters, and 3 are possible")]
    [InlineData("DB1.DBB0:STRING[3]", "☃", "not in ISO 8859-1")]
    [InlineData("DB1.DBB0:DTL", "yesterday", "a time such as")]
    [InlineData("DB1.DBD0:TIME", 0.0001, "whole milliseconds")]
    [InlineData("DB1.DBD0:DINT[2]", 1, "is an array of 2")]
    [InlineData("DB1.DBD0:DINT[2]", new[] { 1 }, "and 1 elements were given")]
    [InlineData("DB1.DBD0:DINT[2]", new[] { 1, 2, 3 }, "and 3 elements were given")]
    [InlineData("DB1.DBW0:S5TIME", 99999, "three digits")]
    public void A_value_that_does_not_fit_is_refused_with_what_would(string address, object value, string said)
    {
        var error = Assert.Throws<ArgumentException>(() => S7Encoder.Encode(S7Address.Parse(address), value, new byte[300]));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(address, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DB1.DBD0:TIME", 1.5, "000005DC")]
    [InlineData("DB1.DBD0:TIME", "1.5", "000005DC")]
    [InlineData("DB1.DBW0:S5TIME", 123, "2123")]
    [InlineData("DB1.DBW0:S5TIME", 0.01, "0001")]
    [InlineData("DB1.DBW0:DATE", "2026-02-24", "3393")]
    [InlineData("DB1.DBD0:TIME_OF_DAY", "01:00:00.001", "0036EE81")]
    [InlineData("DB1.DBB0:LINT", 9007199254740994.0, "0020000000000002")]
    public void Durations_are_seconds_and_times_ISO_8601(string address, object value, string hex)
    {
        var bytes = new byte[S7Address.Parse(address).ByteLength];
        S7Encoder.Encode(S7Address.Parse(address), value, bytes);
        Assert.Equal(hex, Convert.ToHexString(bytes));
    }
}
