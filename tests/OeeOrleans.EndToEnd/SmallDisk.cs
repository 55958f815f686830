using System.Diagnostics;

namespace OeeOrleans.EndToEnd;

/// <summary>A file system in memory of so many megabytes, mounted on a directory; needs root.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private readonly string _directory;

    private SmallDisk(string directory) => _directory = directory;

    private string Ballast => Path.Combine(_directory, "ballast");

    public static async Task<SmallDisk> MountAsync(string directory, int megabytes)
    {
        Directory.CreateDirectory(directory);
        await RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", directory);
        return new SmallDisk(directory);
    }

    /// <summary>Takes all the room there is.</summary>
    public void Fill()
    {
        var block = new byte[1 << 16];
        using var file = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, 1);
        // Down to the last byte: halves until not even one fits.
        for (var length = block.Length; length > 0;)
        {
            try
            {
                file.Write(block, 0, length);
            }
            catch (IOException)
            {
                length /= 2;
            }
        }
    }

    public void Empty() => File.Delete(Ballast);

    public async ValueTask DisposeAsync() => await RunAsync("umount", "-l", _directory);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {errors}");
    }
}
