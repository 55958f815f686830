using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Audit;

/// <summary>
/// Writes down once an hour where the audit log's chain ends, in a file beside the database: whoever writes the whole log anew, or cuts
/// its end off, would have to change the files of every process as well.
/// </summary>
public sealed class AuditAnchors(string path, IAccessStore store, TimeProvider clock, ILogger<AuditAnchors> log) : BackgroundService
{
    private const int MaxLines = 20_000;
    private const int HashLength = 64;

    private static readonly TimeSpan Period = TimeSpan.FromHours(1);
    private static readonly TimeSpan Retry = TimeSpan.FromMinutes(1);

    /// <summary>Name of the file in the data directory.</summary>
    public const string FileName = "audit-anchors.txt";

    /// <summary>What was written down; none where there is no file. Lines that nobody can read are left out.</summary>
    public static IReadOnlyList<AuditHead> Read(string path) => File.Exists(path)
        ? [.. File.ReadLines(path).Select(Parse).OfType<AuditHead>()]
        : [];

    /// <summary>What this process wrote down.</summary>
    public IReadOnlyList<AuditHead> Read() => Read(path);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        AuditHead? last = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            var next = Period;
            try
            {
                last ??= Read(path).LastOrDefault();
                var (_, head) = await store.ReadChainAsync(long.MaxValue, 1, stoppingToken);
                if (head.Seq != last.Value.Seq) await WriteAsync(head, stoppingToken);
                last = head;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // A boundary: a file that cannot be written must not end the plant.
                Log.NoAnchor(log, path, error.Message, error);
                next = Retry;
            }

            await Task.Delay(next, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WriteAsync(AuditHead head, CancellationToken cancellationToken)
    {
        var line = string.Create(
            CultureInfo.InvariantCulture, $"{head.Seq} {head.Hash} {UnixMicros.ToIso(UnixMicros.Now(clock))}\n");
        var lines = File.Exists(path) ? await File.ReadAllLinesAsync(path, cancellationToken) : [];
        if (lines.Length < MaxLines)
        {
            await File.AppendAllTextAsync(path, line, cancellationToken);
            return;
        }

        // The older half goes: what comes after it says the same of all before.
        var temporary = path + ".new";
        await File.WriteAllTextAsync(temporary, string.Join('\n', lines[(MaxLines / 2)..]) + '\n' + line, cancellationToken);
        File.Move(temporary, path, overwrite: true);
    }

    private static AuditHead? Parse(string line)
    {
        var parts = line.Split(' ');
        // A line that was cut off has no whole hash.
        return parts.Length >= 3 && parts[1].Length == HashLength
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var seq) && seq > 0
            ? new AuditHead(seq, parts[1])
            : null;
    }
}
