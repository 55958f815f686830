using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Access.Tests;

public sealed class TokenTests : IAsyncLifetime
{
    private Office _office = null!;
    private TokenPair _pair = null!;

    public async Task InitializeAsync()
    {
        _office = await Office.OpenAsync();
        await _office.AddAsync("anna", new Grant(Role.Scada, "a1"));
        _pair = await _office.SignInAsync("anna");
    }

    public async Task DisposeAsync() => await _office.DisposeAsync();

    [Fact]
    public async Task A_token_says_who_one_is_and_the_grants_are_those_of_now()
    {
        Assert.Equal([new Grant(Role.Scada, "a1")], (await _office.Tokens.FindAsync(_pair.Access))!.Grants);
        await _office.Keeper.SetGrantsAsync(Doer.CommandLine, "anna", [new Grant(Role.Dashboard, "a2")], default);
        Assert.Equal([new Grant(Role.Dashboard, "a2")], (await _office.Tokens.FindAsync(_pair.Access))!.Grants);
    }

    [Fact]
    public async Task A_token_expires()
    {
        _office.Clock.Advance(TimeSpan.FromMinutes(9.9));
        Assert.NotNull(await _office.Tokens.FindAsync(_pair.Access));
        _office.Clock.Advance(TimeSpan.FromMinutes(0.2));
        // Once from memory, once by its own word.
        Assert.Null(await _office.Tokens.FindAsync(_pair.Access));
        Assert.Null(await _office.Tokens.FindAsync(_pair.Access));
    }

    [Fact]
    public async Task A_token_without_a_signature_is_nobodys()
    {
        var parts = _pair.Access.Split('.');
        foreach (var alg in new[] { "none", "None", "NONE", "" })
        {
            var header = Encode(new { alg, typ = "at+jwt" });
            Assert.Null(await _office.Tokens.FindAsync($"{header}.{parts[1]}."));
            Assert.Null(await _office.Tokens.FindAsync($"{header}.{parts[1]}.{parts[2]}"));
        }
    }

    [Fact]
    public async Task A_token_signed_with_the_public_key_as_a_secret_is_nobodys()
    {
        var parts = _pair.Access.Split('.');
        var kid = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0])).RootElement.GetProperty("kid").GetString();
        var header = Encode(new { alg = "HS256", typ = "at+jwt", kid });
        var signature = HMACSHA256.HashData(
            Encoding.UTF8.GetBytes(_office.Refresher.PublicKeys), Encoding.ASCII.GetBytes($"{header}.{parts[1]}"));
        Assert.Null(await _office.Tokens.FindAsync($"{header}.{parts[1]}.{Base64Url.EncodeToString(signature)}"));
    }

    [Fact]
    public async Task A_token_signed_with_another_key_is_nobodys()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var parts = _pair.Access.Split('.');
        var headers = new[] { parts[0], Encode(new { alg = "ES256", typ = "at+jwt" }), Encode(new { alg = "ES256", kid = "other" }) };
        foreach (var header in headers)
        {
            var signature = key.SignData(Encoding.ASCII.GetBytes($"{header}.{parts[1]}"), HashAlgorithmName.SHA256);
            Assert.Null(await _office.Tokens.FindAsync($"{header}.{parts[1]}.{Base64Url.EncodeToString(signature)}"));
        }
    }

    [Fact]
    public async Task A_token_for_another_plant_is_nobodys_even_signed_with_our_key()
    {
        // The keys of one plant's store under another plant's name: issuer and audience differ, the signature is good.
        var claims = JsonSerializer.Deserialize<Dictionary<string, object>>(Base64Url.DecodeFromChars(_pair.Access.Split('.')[1]))!;
        foreach (var (claim, value) in new[] { ("aud", "oee-api:other"), ("iss", "oee:other") })
        {
            var forged = new Dictionary<string, object>(claims) { [claim] = value };
            Assert.Null(await _office.Tokens.FindAsync(Sign(forged)));
        }

        Assert.NotNull(await _office.Tokens.FindAsync(Sign(claims)));
        claims.Remove("exp");
        Assert.Null(await _office.Tokens.FindAsync(Sign(claims)));
    }

    [Fact]
    public async Task Every_changed_character_of_a_token_makes_it_nobodys()
    {
        for (var i = 0; i < _pair.Access.Length; i += 7)
        {
            var changed = _pair.Access.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            // The last character of a part carries bits that mean nothing.
            if (i + 1 < changed.Length && changed[i + 1] != '.') Assert.Null(await _office.Tokens.FindAsync(new string(changed)));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.")]
    public async Task What_is_no_token_is_nobodys(string text)
    {
        Assert.Null(await _office.Tokens.FindAsync(text));
        Assert.Null(await _office.Tokens.FindAsync(text + new string('x', 100_000)));
        Assert.Null(await _office.Tokens.RefreshAsync(text, "test", default));
    }

    [Fact]
    public async Task A_refresh_token_gives_the_next_pair()
    {
        var next = (await _office.Tokens.RefreshAsync(_pair.Refresh, "test", default))!;
        Assert.NotEqual(_pair.Refresh, next.Refresh);
        Assert.NotNull(await _office.Tokens.FindAsync(next.Access));
        Assert.NotNull(await _office.Tokens.RefreshAsync(next.Refresh, "test", default));
    }

    [Fact]
    public async Task A_refresh_token_that_is_used_twice_ends_the_sign_in_with_all_its_tokens_on_every_gateway()
    {
        var other = await _office.AnotherAsync();
        var next = (await _office.Tokens.RefreshAsync(_pair.Refresh, "test", default))!;
        Assert.NotNull(await other.Tokens.FindAsync(next.Access));
        Assert.Null(await other.Tokens.RefreshAsync(_pair.Refresh, "thief", default));
        await _office.Refresher.RefreshAsync(default);
        foreach (var gateway in new[] { _office, other })
        {
            Assert.Null(await gateway.Tokens.FindAsync(_pair.Access));
            Assert.Null(await gateway.Tokens.FindAsync(next.Access));
            Assert.Null(await gateway.Tokens.RefreshAsync(next.Refresh, "test", default));
        }

        Assert.Contains((await _office.Access.ReadChainAsync(0, 100, default)).Entries, e => e.Entry is
        {
            Action: "token.reused", Actor: "anna", Origin: "thief",
        });
    }

    [Fact]
    public async Task Of_two_that_use_a_refresh_token_at_once_one_gets_a_pair_at_most()
    {
        var pairs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _office.Tokens.RefreshAsync(_pair.Refresh, "test", default)));
        Assert.InRange(pairs.Count(p => p is not null), 0, 1);
    }

    [Fact]
    public async Task A_sign_in_ends_after_its_time_however_often_it_is_refreshed()
    {
        var pair = _pair;
        for (var hour = 0; hour < 11; hour++)
        {
            _office.Clock.Advance(TimeSpan.FromHours(1));
            pair = (await _office.Tokens.RefreshAsync(pair.Refresh, "test", default))!;
        }

        _office.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await _office.Tokens.RefreshAsync(pair.Refresh, "test", default));
    }

    [Fact]
    public async Task A_new_signing_key_takes_over_and_tokens_of_the_old_one_are_good_until_they_expire()
    {
        _office.Clock.Advance(TimeSpan.FromDays(30) - TimeSpan.FromMinutes(1));
        var before = await _office.SignInAsync("anna");
        _office.Clock.Advance(TimeSpan.FromMinutes(2));
        // Whatever reads the store next makes it.
        await _office.AddAsync("bea");
        _office.Clock.Advance(TimeSpan.FromSeconds(10));
        var after = await _office.SignInAsync("anna");
        Assert.NotEqual(KidOf(before.Access), KidOf(after.Access));
        Assert.NotNull(await _office.Tokens.FindAsync(before.Access));
        Assert.NotNull(await _office.Tokens.FindAsync(after.Access));
        Assert.Equal(2, JsonDocument.Parse(_office.Refresher.PublicKeys).RootElement.GetProperty("keys").GetArrayLength());
        Assert.DoesNotContain("\"d\"", _office.Refresher.PublicKeys, StringComparison.Ordinal);
        _office.Clock.Advance(TimeSpan.FromDays(2));
        await _office.AddAsync("cleo");
        Assert.Equal(1, JsonDocument.Parse(_office.Refresher.PublicKeys).RootElement.GetProperty("keys").GetArrayLength());
    }

    private static string? KidOf(string token) =>
        JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[0])).RootElement.GetProperty("kid").GetString();

    private string Sign(Dictionary<string, object> claims)
    {
        var key = _office.Refresher.Signing.Current()!;
        var text = $"{Encode(new { alg = "ES256", typ = "at+jwt", kid = key.KeyId })}.{Encode(claims)}";
        return $"{text}.{Base64Url.EncodeToString(key.ECDsa.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256))}";
    }

    private static string Encode(object value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
}
