using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// Mutated payloads through the whole decoder (every nested value as JSON): nothing but its own exception may come out, and memory stays.
/// The corpus are the payload vectors; mutations flip, set, cut, repeat, insert lengths and splice two payloads. usage: fuzz [COUNT [SEED]]
/// </summary>
internal static class Fuzz
{
    public static int Run(string[] args)
    {
        var count = args.Length > 0 ? long.Parse(args[0], CultureInfo.InvariantCulture) : 10_000_000;
        var random = new Random(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1);
        var vectors = JsonDocument.Parse(
            File.ReadAllText(
                Path.Combine(Repository.Root, "tests", "OeeOrleans.Sparkplug.Tests", "vectors", "payloads.json"))).RootElement.GetProperty(
            "payloads");
        var corpus = vectors.EnumerateArray()
            .Select(v => Convert.FromHexString(v.GetProperty("hex").GetString()!))
            .Where(p => p.Length < 2000)
            .ToArray();
        var buffer = new byte[8192];
        using var output = new MemoryStream();
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
        long decoded = 0, refused = 0;
        var started = Stopwatch.GetTimestamp();
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        for (long i = 0; i < count; i++)
        {
            var length = Mutate(corpus, random, buffer);
            output.SetLength(0);
            json.Reset(output);
            try
            {
                SparkplugJson.Write(json, buffer.AsSpan(0, length));
                decoded++;
            }
            catch (SparkplugFormatException error) when (error.Offset >= 0 && error.Offset <= length)
            {
                refused++;
            }
            catch (Exception error)
            {
                Console.WriteLine($"payload {i}: {Convert.ToHexString(buffer.AsSpan(0, length))}\n{error}");
                return 1;
            }
        }

        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                payloads = count, decoded, refused, seconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 1),
                managed_memory_grew_by_kb = (GC.GetTotalMemory(
                    forceFullCollection: true) - memory) / 1024, peak_working_set_mb = Process.GetCurrentProcess().PeakWorkingSet64 >> 20,
            },
            new JsonSerializerOptions { WriteIndented = true }));
        return 0;
    }

    private static int Mutate(byte[][] corpus, Random random, byte[] buffer)
    {
        var seed = corpus[random.Next(corpus.Length)];
        seed.CopyTo(buffer, 0);
        var length = seed.Length;
        for (var mutations = random.Next(1, 6); mutations > 0 && length > 0; mutations--)
        {
            var at = random.Next(length);
            switch (random.Next(7))
            {
                case 0: buffer[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: buffer[at] = (byte)random.Next(256); break;
                case 2: length = at; break;
                case 3: buffer[at] = (byte)(random.Next(2) == 0 ? 0xFF : 0x80); break;
                case 4 when length + 10 < buffer.Length:
                    // A byte more in the middle: every length around it is wrong now.
                    Array.Copy(buffer, at, buffer, at + 1, length - at);
                    length++;
                    break;
                case 5:
                    var other = corpus[random.Next(corpus.Length)];
                    if (at + other.Length >= buffer.Length) break;
                    other.CopyTo(buffer, at);
                    length = Math.Max(length, at + other.Length);
                    break;
                default:
                    var part = Math.Min(random.Next(1, 40), length - at);
                    if (length + part >= buffer.Length) break;
                    Array.Copy(buffer, at, buffer, length, part);
                    length += part;
                    break;
            }
        }

        return length;
    }
}
