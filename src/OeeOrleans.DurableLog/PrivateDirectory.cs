namespace OeeOrleans.DurableLog;

/// <summary>Directories with a plant's data: production figures are nobody's business who merely has a login on the machine.</summary>
public static class PrivateDirectory
{
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>
    /// Makes a directory for its owner alone; one that is there loses what it allows to everybody, and keeps what it allows to its group.
    /// </summary>
    public static void Make(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return;
        }

        var mode = File.GetUnixFileMode(path);
        if ((mode & Others) == 0) return;
        try
        {
            File.SetUnixFileMode(path, mode & ~Others);
        }
        catch (UnauthorizedAccessException)
        {
            // Somebody else's directory (a mount point, a system's /var/lib): its owner has decided who may look.
            return;
        }
    }
}
