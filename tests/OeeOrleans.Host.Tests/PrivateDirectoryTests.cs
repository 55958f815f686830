using System.Runtime.Versioning;
using OeeOrleans.DurableLog;

namespace OeeOrleans.Host.Tests;

/// <summary>A plant's data is nobody's business who merely has a login on the machine.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PrivateDirectoryTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Group = UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly string _parent = Directory.CreateTempSubdirectory("oee-private-").FullName;

    private string Data => Path.Combine(_parent, "data");

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public void A_new_one_is_its_owners_alone()
    {
        PrivateDirectory.Make(Data);
        Assert.Equal(Owner, File.GetUnixFileMode(Data));
    }

    [Fact]
    public void One_that_is_there_is_closed_to_everybody_and_stays_open_to_its_group()
    {
        Directory.CreateDirectory(Data, Owner | Group | Others);
        File.SetUnixFileMode(Data, Owner | Group | Others);
        PrivateDirectory.Make(Data);
        Assert.Equal(Owner | Group, File.GetUnixFileMode(Data));
    }
}
