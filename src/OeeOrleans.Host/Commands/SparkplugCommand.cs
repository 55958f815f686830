using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee sparkplug decode [--hex HEX | FILE | -]`: one payload -> JSON.</summary>
internal static class SparkplugCommand
{
    public static Command Create()
    {
        var hex = new Option<string?>("--hex") { Description = "the payload in hexadecimal" };
        var file = new Argument<string?>("file")
        {
            Description = "a file with the payload's bytes; - is standard input", Arity = ArgumentArity.ZeroOrOne,
        };
        var decode = new Command("decode", "one Sparkplug B payload -> JSON") { hex, file };
        decode.SetAction(
            async (parsed, cancellationToken) => await DecodeAsync(parsed.GetValue(hex), parsed.GetValue(file), cancellationToken));
        return new Command("sparkplug", "tools for Sparkplug B") { decode, WatchCommand.Create() };
    }

    private static async Task<int> DecodeAsync(string? hex, string? file, CancellationToken cancellationToken)
    {
        if (hex is null == file is null)
        {
            await Console.Error.WriteLineAsync("oee: give either --hex HEX or a file (- for standard input)");
            return ExitCode.WrongUsage;
        }

        byte[] payload;
        try
        {
            payload = hex is not null
                ? Convert.FromHexString(string.Concat(hex.Where(c => !char.IsWhiteSpace(c))))
                : await ReadAsync(file!, cancellationToken);
        }
        catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"oee: cannot read the payload: {error.Message}");
            return ExitCode.WrongUsage;
        }

        try
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                SparkplugJson.Write(json, payload);
            }

            await Console.Out.WriteLineAsync(Encoding.UTF8.GetString(buffer.ToArray()));
            return ExitCode.Success;
        }
        catch (SparkplugFormatException error)
        {
            await Console.Error.WriteLineAsync($"oee: not a Sparkplug B payload: {error.Message}");
            return ExitCode.Failure;
        }
    }

    private static async Task<byte[]> ReadAsync(string file, CancellationToken cancellationToken)
    {
        if (file != "-") return await File.ReadAllBytesAsync(file, cancellationToken);
        using var buffer = new MemoryStream();
        await using var input = Console.OpenStandardInput();
        await input.CopyToAsync(buffer, cancellationToken);
        return buffer.ToArray();
    }
}
