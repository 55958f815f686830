using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Tags;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee tags browse|read|write|watch|propose --source URL`: talks to one PLC. JSON on standard output, one object a
/// line.</summary>
internal static class TagsCommand
{
    public static Command Create() => new("tags", "talks to one PLC: browse, read, write, watch, propose")
    {
        Read(), Write(), Watch(), Browse(), Propose(),
    };

    private static Command Read()
    {
        var source = new TagSourceOptions();
        var addresses = Addresses();
        var command = source.On(new Command("read", "values of tags, one line each, in the order asked for") { addresses });
        command.SetAction((parsed, cancellationToken) => source.RunAsync(parsed, parsed.GetRequiredValue(addresses), async tags =>
        {
            var readings = await tags.ReadAsync(parsed.GetRequiredValue(addresses), cancellationToken);
            foreach (var reading in readings) await PrintAsync(reading);
            return readings.All(r => r.Error is null) ? ExitCode.Success : ExitCode.Failure;
        }, cancellationToken));
        return command;
    }

    private static Command Write()
    {
        var source = new TagSourceOptions();
        var values = new Argument<string[]>("values")
        {
            Description = "ADDRESS=VALUE; the value is JSON, a bare word is text",
            Arity = ArgumentArity.OneOrMore
        };
        var command = source.On(new Command("write", "writes tags, one line of outcome each") { values });
        command.SetAction((parsed, cancellationToken) =>
        {
            var writes = parsed.GetRequiredValue(values)
                .Select(v => SplitWrite(parsed.GetRequiredValue(source.Url), v)).ToList();
            if (writes.Exists(w => w.Value.ValueKind == JsonValueKind.Undefined))
            {
                return WrongAsync("values are written as ADDRESS=VALUE, such as \"ns=2;s=Speed=12.5\" or \"DB1.DBW0:INT=12\"");
            }

            return source.RunAsync(parsed, [.. writes.Select(w => w.Address)], async tags =>
            {
                var results = await tags.WriteAsync(writes, cancellationToken);
                foreach (var result in results) await PrintAsync(json => Write(json, result));
                return results.All(r => r.Ok) ? ExitCode.Success : ExitCode.Failure;
            }, cancellationToken);
        });
        return command;
    }

    private static Command Watch()
    {
        var source = new TagSourceOptions();
        var addresses = Addresses();
        var interval = new Option<int>("--interval-ms") { Description = "how often the PLC looks", DefaultValueFactory = _ => 250 };
        var seconds = new Option<double?>("--for") { Description = "seconds to watch; until Ctrl-C when left out" };
        var command = source.On(new Command("watch", "values of tags now, and every change") { addresses, interval, seconds });
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(interval) is < 1 or > 3_600_000) return WrongAsync("--interval-ms is 1 to 3600000");
            if (parsed.GetValue(seconds) is <= 0 or > 1e8) return WrongAsync("--for is more than 0 seconds");
            return source.RunAsync(parsed, parsed.GetRequiredValue(addresses), async tags =>
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                if (parsed.GetValue(seconds) is { } duration) limit.CancelAfter(TimeSpan.FromSeconds(duration));
                return await WatchAsync(
                    tags, parsed.GetRequiredValue(addresses), TimeSpan.FromMilliseconds(parsed.GetValue(interval)), limit.Token);
            }, cancellationToken);
        });
        return command;
    }

    private static Command Browse()
    {
        var source = new TagSourceOptions();
        var from = new Option<string?>("--from") { Description = "address to start below; the PLC's own tags when left out" };
        var depth = new Option<int?>("--depth") { Description = "levels at most" };
        var command = source.On(new Command("browse", "what there is, one line each") { from, depth });
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(depth) < 1) return WrongAsync("--depth is 1 or more");
            string[] addresses = parsed.GetValue(from) is { } start ? [start] : [];
            return source.RunAsync(parsed, addresses, async tags =>
            {
                var any = false;
                await foreach (var node in tags.BrowseAsync(parsed.GetValue(from), parsed.GetValue(depth), cancellationToken))
                {
                    any = true;
                    await PrintAsync(json => Write(json, node));
                }

                if (!any) await Console.Error.WriteLineAsync("oee: there is nothing below it");
                return ExitCode.Success;
            }, cancellationToken, areStarts: true);
        });
        return command;
    }

    private static Command Propose()
    {
        var source = new TagSourceOptions();
        var from = new Option<string?>("--from") { Description = "address to start below; the PLC's own tags when left out" };
        var device = new Option<string>("--device") { Description = "id of the machine", DefaultValueFactory = _ => "machine1" };
        var command = source.On(new Command("propose", "a plant.yaml fragment with the tags found, and signals guessed from their names")
        {
            from, device,
        });
        command.SetAction((parsed, cancellationToken) =>
        {
            string[] addresses = parsed.GetValue(from) is { } start ? [start] : [];
            return source.RunAsync(parsed, addresses, async tags =>
            {
                var found = new List<TagNode>();
                await foreach (var node in tags.BrowseAsync(parsed.GetValue(from), null, cancellationToken)) found.Add(node);
                await Console.Out.WriteAsync(
                    PlantFragment.Write(parsed.GetRequiredValue(source.Url), parsed.GetRequiredValue(device), found));
                return ExitCode.Success;
            }, cancellationToken, areStarts: true);
        });
        return command;
    }

    private static Argument<string[]> Addresses() =>
        new("addresses") { Description = "such as ns=2;s=Filler1.Temp or DB10.DBD4:REAL", Arity = ArgumentArity.OneOrMore };

    private static async Task<int> WatchAsync(ITagAccess tags, string[] addresses, TimeSpan interval, CancellationToken cancellationToken)
    {
        var bad = false;
        try
        {
            await foreach (var reading in tags.WatchAsync(addresses, interval, cancellationToken))
            {
                bad |= reading.Error is not null;
                await PrintAsync(reading);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return bad ? ExitCode.Failure : ExitCode.Success;
        }

        return bad ? ExitCode.Failure : ExitCode.Success;
    }

    /// <summary>
    /// Node ids have a `=` of their own, and string identifiers may have more. The last one counts that leaves an address in front of it
    /// and
    /// JSON behind it; where the value is a bare word, the first that leaves an address. A text with a `=` in it is written as JSON.
    /// </summary>
    private static (string Address, JsonElement Value) SplitWrite(string source, string text)
    {
        (string, JsonElement)? bare = null;
        for (var at = text.LastIndexOf('='); at > 0; at = text.LastIndexOf('=', at - 1))
        {
            var address = text[..at];
            // `ns=2;s` and `i` are no addresses yet.
            if (!TagAccess.IsWholeAddress(source, address)) continue;
            if (TryParse(text[(at + 1)..], out var value)) return (address, value);
            bare = (address, JsonSerializer.SerializeToElement(text[(at + 1)..]));
        }

        return bare ?? (text, default);
    }

    private static bool TryParse(string text, out JsonElement value)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            value = document.RootElement.Clone();
            return true;
        }
        catch (JsonException)
        {
            value = default;
            return false;
        }
    }

    private static Task<int> WrongAsync(string what)
    {
        Console.Error.WriteLine($"oee: {what}");
        return Task.FromResult(ExitCode.WrongUsage);
    }

    private static Task PrintAsync(TagReading reading) => PrintAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("address", reading.Address);
        json.WritePropertyName("value");
        TagJson.Write(json, reading.Value);
        json.WriteString("type", reading.Type);
        json.WriteNumber("quality", reading.Quality);
        json.WriteString("source_time", reading.SourceTime is { } source ? TagJson.Time(source) : null);
        json.WriteString("server_time", reading.ServerTime is { } server ? TagJson.Time(server) : null);
        json.WriteString("error", reading.Error);
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, TagWriteResult result)
    {
        json.WriteStartObject();
        json.WriteString("address", result.Address);
        json.WriteBoolean("ok", result.Ok);
        json.WriteString("error", result.Error);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, TagNode node)
    {
        json.WriteStartObject();
        json.WriteString("address", node.Address);
        json.WriteString("name", node.Name);
        json.WriteString("kind", node.Kind);
        json.WriteString("type", node.Type);
        json.WriteBoolean("writable", node.Writable);
        json.WriteEndObject();
    }

    private static async Task PrintAsync(Action<Utf8JsonWriter> write)
    {
        await Console.Out.WriteLineAsync(TagJson.Write(write));
        await Console.Out.FlushAsync();
    }
}
