using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Edge.Sources;

namespace OeeOrleans.Edge.Tests;

/// <summary>What an edge node takes of what it is told to read.</summary>
public sealed class ToldBookTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-told-").FullName;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly EdgeOptions _options;
    private ToldBook _book;

    public ToldBookTests()
    {
        _options = new EdgeOptions
        {
            Group = "g", Node = "n", DataDir = _directory, CommandKeys = [Pin(_key), Pin(_other)],
            Sources = [new EdgeSource("own", new Uri("sim://own?tags=1"), "own", 250, [])],
            // Ids with commas between them, as if it were JSON; `bad` cannot be read.
            ReadSources = (text, _) => text.Contains("bad", StringComparison.Ordinal)
                ? new ToldSources([], ["it is bad"])
                : new ToldSources(
                    [.. Ids(text).Select(i => new EdgeSource(i, new Uri("sim://told?tags=1"), i, 250, []))], []),
        };
        _book = New();
    }

    private IEnumerable<string> Read => _book.All.Select(s => s.Id);

    public void Dispose()
    {
        _key.Dispose();
        _other.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void What_the_host_tells_is_read_beside_its_own_and_also_by_the_next_life()
    {
        var changed = _book.Changed;
        Assert.False(Tell(5, "a,b"));
        Assert.True(changed.IsCompletedSuccessfully);
        Assert.Equal(["own", "a", "b"], Read);
        _book = New();
        Assert.Equal(["own", "a", "b"], Read);
        Assert.Equal(
            new SourcesReport(5, SignedSources.DigestOf("a,b"), "berlin", null, null), _book.Report);
    }

    [Fact]
    public void An_older_word_changes_nothing_and_the_same_again_says_nothing()
    {
        Tell(5, "a");
        _book.See();
        Assert.False(Tell(4, "b"));
        Assert.False(Tell(5, "a"));
        // The last number for something else.
        Assert.False(Tell(5, "b"));
        Assert.Equal(["own", "a"], Read);
        Assert.False(_book.Changed.IsCompleted);
        // A later number for the same is news, once, and also the next life knows it.
        Assert.True(Tell(6, "a"));
        Assert.False(Tell(6, "a"));
        _book = New();
        Assert.False(Tell(5, "b"));
        Assert.Equal(["own", "a"], Read);
        Assert.False(_book.Changed.IsCompleted);
    }

    [Fact]
    public void What_cannot_be_read_is_refused_once_and_what_was_read_stays()
    {
        Tell(5, "a");
        Assert.True(Tell(6, "bad"));
        Assert.False(Tell(6, "bad"));
        Assert.Equal((SignedSources.DigestOf("bad"), "it is bad"), (_book.Report!.Refused, _book.Report.Problem));
        Assert.Equal(SignedSources.DigestOf("a"), _book.Report.Digest);
        Assert.Equal(["own", "a"], Read);
        // An id of its own.
        Assert.True(Tell(7, "own"));
        Assert.Contains("the id 'own' is there more than once", _book.Report.Problem, StringComparison.Ordinal);
        // The old ones again, by a later word: all is well.
        Assert.True(Tell(8, "a"));
        Assert.Null(_book.Report.Problem);
    }

    [Fact]
    public void A_word_that_was_refused_makes_those_before_it_old_also_for_the_next_life()
    {
        Tell(5, "a");
        Tell(6, "bad");
        Assert.False(Tell(5, "a"));
        Assert.NotNull(_book.Report!.Problem);
        _book = New();
        Assert.Equal(["own", "a"], Read);
        Assert.Equal(6, _book.Report!.Number);
        Assert.False(Tell(5, "b"));
        Assert.Equal(["own", "a"], Read);
        // What was in its way is gone by then: the same word is taken.
        Assert.True(Tell(7, "bad"));
        _options.ReadSources = (_, _) => new ToldSources([new EdgeSource("bad", new Uri("sim://x"), "bad", 250, [])], []);
        Assert.False(Tell(7, "bad"));
        Assert.Equal(["own", "bad"], Read);
    }

    [Fact]
    public void What_nothing_can_be_made_of_is_given_up_and_its_own_is_read()
    {
        Assert.False(_book.GiveUp("it is not mine"));
        Tell(5, "a");
        Assert.True(_book.GiveUp("it has no end"));
        Assert.Equal(["own"], Read);
        Assert.Equal((SignedSources.DigestOf("a"), "it has no end"), (_book.Report!.Refused, _book.Report.Problem));
        Assert.False(_book.GiveUp("again"));
    }

    [Fact]
    public void A_node_whose_kept_sources_cannot_be_opened_starts_all_the_same()
    {
        _options.Brokers = [new Mqtt.BrokerAddress(new Uri("mqtt://127.0.0.1:1"))];
        _options.ReadSources = (_, _) => new ToldSources(
            [new EdgeSource("plc", new Uri("s7://plc?rack=none"), "plc", 250, [new EdgeTag("MW0", "m")])], []);
        Tell(5, "plc");
        Assert.Equal(["own", "plc"], Read);
        using var connector = new EdgeConnector(_options, TimeProvider.System, NullLogger<EdgeConnector>.Instance);
        Assert.Equal(EdgeState.Stopped, connector.State);
    }

    [Fact]
    public void What_cannot_be_kept_is_not_read()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "sources-g-n.json"));
        Assert.True(Tell(5, "a"));
        Assert.Contains("cannot be written", _book.Report!.Problem, StringComparison.Ordinal);
        Assert.Equal(["own"], Read);
    }

    [Fact]
    public void Two_plants_do_not_take_it_from_each_other()
    {
        Tell(5, "a");
        Assert.True(Tell(6, "b", _other, "munich"));
        Assert.Contains("another plant, berlin", _book.Report!.Problem, StringComparison.Ordinal);
        Assert.Equal(["own", "a"], Read);
        Tell(7, "[]");
        Assert.False(Tell(8, "b", _other, "munich"));
        Assert.Equal(["own", "b"], Read);
        // A key that is pinned no more has nothing to say, and hinders nobody.
        _options.CommandKeys = [Pin(_key)];
        Assert.False(Tell(9, "c", _other, "munich"));
        Assert.Equal(["own", "b"], Read);
        Assert.False(Tell(9, "a"));
        Assert.Equal(["own", "a"], Read);
    }

    [Fact]
    public void A_renewed_key_of_the_same_plant_changes_and_takes_away_what_the_old_one_gave()
    {
        Tell(5, "a");
        Assert.False(Tell(6, "b", _other));
        Assert.Equal(["own", "b"], Read);
        Assert.False(Tell(7, "[]", _other));
        Assert.Equal(["own"], Read);
    }

    [Fact]
    public void After_a_restart_what_a_key_told_that_is_pinned_no_more_is_not_read()
    {
        Tell(5, "a");
        _options.CommandKeys = [Pin(_other)];
        _book = New();
        Assert.Equal(["own"], Read);
        Assert.Equal(5, _book.Report!.Number);
        // Where the keys come from this process's own host they are not there yet.
        (_options.CommandKeys, _options.KeysComeLater) = ([], true);
        _book = New();
        Assert.Equal(["own", "a"], Read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("a.b")]
    [InlineData("!.!")]
    public void What_nobody_signed_changes_nothing(string text)
    {
        Assert.False(_book.Take(text));
        Assert.Equal(["own"], Read);
    }

    [Fact]
    public void What_is_for_another_node_or_a_command_or_by_a_stranger_is_not_taken()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.False(Tell(5, "a", stranger));
        Assert.False(_book.Take(new SignedSources { Number = 5, EdgeNode = "g/m", Host = "berlin", Sources = "a" }.Seal(_key)));
        var command = new SignedCommand
        {
            Id = "1", Number = 5, EdgeNode = "g/n", Device = "own", Metric = "m", Value = "1", IssuedMs = 0, ExpiresMs = 1, AskedBy = "a",
            ApprovedBy = "b",
        };
        Assert.False(_book.Take(command.Seal(_key)));
        Assert.Equal(["own"], Read);
        Assert.Equal(0, _book.Report!.Number);
    }

    [Fact]
    public void A_node_that_takes_none_says_nothing_of_them_and_reads_only_its_own()
    {
        Tell(5, "a");
        _options.TakesSources = false;
        _book = New();
        Assert.Null(_book.Report);
        Assert.Equal(["own"], Read);
        Assert.False(Tell(6, "b"));
        Assert.Equal(["own"], Read);
    }

    [Fact]
    public void What_its_own_file_has_since_is_told_and_its_own_goes_on()
    {
        Tell(5, "a");
        _options.Sources = [.. _options.Sources, new EdgeSource("a", new Uri("sim://own?tags=1"), "x", 250, [])];
        _book = New();
        Assert.Equal(["own", "a"], Read);
        Assert.Equal((5, SignedSources.DigestOf("a")), (_book.Report!.Number, _book.Report.Refused));
    }

    [Fact]
    public void A_file_that_is_torn_is_as_good_as_none()
    {
        Tell(5, "a");
        File.WriteAllText(Path.Combine(_directory, "sources-g-n.json"), "{ \"Number\": 5, \"Sou");
        _book = New();
        Assert.Equal(["own"], Read);
        Assert.Equal(0, _book.Report!.Number);
    }

    private static IEnumerable<string> Ids(string text) => text == "[]" ? [] : text.Split(',');

    private static string Pin(ECDsa key) => Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());

    private ToldBook New() => new(_options, TimeProvider.System, NullLogger.Instance);

    private bool Tell(long number, string sources, ECDsa? by = null, string host = "berlin") =>
        _book.Take(new SignedSources { Number = number, EdgeNode = "g/n", Host = host, Sources = sources }.Seal(by ?? _key));
}
