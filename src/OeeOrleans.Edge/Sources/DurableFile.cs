using Microsoft.Extensions.Logging;

namespace OeeOrleans.Edge.Sources;

/// <summary>Small files that are there whole, or as they were before.</summary>
internal static class DurableFile
{
    /// <summary>Puts new content in the place of the old one.</summary>
    /// <exception cref="IOException">The disk does not take it; the old content stays.</exception>
    public static void Replace(string file, Action<Stream> write)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var temporary = file + ".new";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            write(stream);
            // On the disk before it takes the old one's place.
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file, overwrite: true);
    }

    /// <summary>Saves what a source remembers; a disk that does not take it is logged, and the source goes on.</summary>
    public static void TrySave(Action save, ILogger log, string source)
    {
        try
        {
            save();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.MemoryNotWritten(log, source, error);
        }
    }
}
