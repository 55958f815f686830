using OeeOrleans.Access.Keys;

namespace OeeOrleans.Access.Tests;

public sealed class PlantKeyTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-key-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void What_is_sealed_is_opened_by_the_same_file()
    {
        var path = Path.Combine(_directory, "access.key");
        var text = PlantKey.LoadOrCreate(path).Seal("purpose", "secret"u8);
        Assert.Equal("secret"u8.ToArray(), PlantKey.LoadOrCreate(path).Open("purpose", text));
    }

    [Fact]
    public void Another_key_another_purpose_or_a_changed_byte_opens_nothing()
    {
        var key = PlantKey.Random();
        var text = key.Seal("purpose", "secret"u8);
        Assert.Throws<PlantKeyException>(() => PlantKey.Random().Open("purpose", text));
        Assert.Throws<PlantKeyException>(() => key.Open("other", text));
        var bytes = Convert.FromBase64String(text);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 1;
            Assert.Throws<PlantKeyException>(() => key.Open("purpose", Convert.ToBase64String(bytes)));
            bytes[i] ^= 1;
        }

        Assert.Throws<PlantKeyException>(() => key.Open("purpose", "no base64"));
        Assert.Throws<PlantKeyException>(() => key.Open("purpose", "AAAA"));
    }

    [Fact]
    public void The_file_is_for_its_owner_alone()
    {
        var path = Path.Combine(_directory, "access.key");
        PlantKey.LoadOrCreate(path);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Single(Directory.GetFiles(_directory));
    }

    [Fact]
    public void Many_that_start_at_once_have_one_key()
    {
        var path = Path.Combine(_directory, "access.key");
        var keys = new string[16];
        Parallel.For(0, keys.Length, i => keys[i] = Convert.ToHexString(PlantKey.LoadOrCreate(path).Derive("x")));
        Assert.Single(keys.Distinct());
        Assert.Single(Directory.GetFiles(_directory));
    }

    [Fact]
    public void A_file_of_something_else_is_named()
    {
        var path = Path.Combine(_directory, "access.key");
        File.WriteAllText(path, "hello");
        Assert.Contains(path, Assert.Throws<PlantKeyException>(() => PlantKey.LoadOrCreate(path)).Message, StringComparison.Ordinal);
        Assert.Throws<PlantKeyException>(() => PlantKey.Load(Path.Combine(_directory, "none")));
    }
}
