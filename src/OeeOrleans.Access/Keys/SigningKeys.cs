using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Keys;

/// <summary>
/// The plant's keys for ES256 (RFC 7518, 3.4): shared by all gateways through the store, replaced in time, and published until the last
/// token that was signed with them has expired. Safe for concurrent use.
/// </summary>
internal sealed class SigningKeys(IAccessStore store, PlantKey plantKey, AccessOptions options, TimeProvider clock, ILogger log)
{
    public const string Kind = "es256";

    private const string Purpose = "oee token signing";

    /// <summary>The others read a new key within a second; until then it signs only when there is no other.</summary>
    private static readonly TimeSpan Known = TimeSpan.FromSeconds(5);

    /// <summary>A key is good for so long after it signed its last token.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<string, ECDsaSecurityKey> _opened = new(StringComparer.Ordinal);
    private volatile IReadOnlyList<StoredSecret> _keys = [];

    /// <summary>Takes over what the store has, and adds a key when the newest one has signed for long enough.</summary>
    /// <exception cref="PlantKeyException">The keys were sealed with another plant key.</exception>
    /// <returns>True: the store has a new one.</returns>
    public async Task<bool> TakeAsync(IEnumerable<StoredSecret> secrets, CancellationToken cancellationToken)
    {
        var nowUs = UnixMicros.Now(clock);
        _keys = [.. secrets.Where(s => s.Kind == Kind && !(s.ExpiresUs < nowUs)).OrderBy(s => s.CreatedUs)];
        foreach (var key in _keys) Open(key);
        foreach (var gone in _opened.Keys.Except(_keys.Select(k => k.Id)).ToList()) _opened.TryRemove(gone, out _);
        if (_keys.Count > 0 && nowUs - _keys[^1].CreatedUs < Micros(options.SigningKeyLifetime)) return false;
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Secrets.NewId(8);
        var added = await store.AddSecretAsync(
            new StoredSecret(
                id, Kind, nowUs, nowUs + Micros(options.SigningKeyLifetime + options.TokenLifetime + Grace), Jwk(made, id),
                plantKey.Seal(Purpose, made.ExportPkcs8PrivateKey())),
            cancellationToken);
        if (added) Log.SigningKeyMade(log, id);
        return added;
    }

    /// <summary>What tokens are signed with now; null before there is one.</summary>
    public ECDsaSecurityKey? Current()
    {
        var keys = _keys;
        if (keys.Count == 0) return null;
        var knownUs = UnixMicros.Now(clock) - Micros(Known);
        return Open(keys.LastOrDefault(k => k.CreatedUs <= knownUs) ?? keys[0]);
    }

    /// <summary>The key of an id; null when there is none that is good.</summary>
    public SecurityKey? Find(string? id) => _keys.FirstOrDefault(k => k.Id == id) is { } key ? Open(key) : null;

    /// <summary>The public keys as a JWK set (RFC 7517, 5).</summary>
    public string PublicSet() => $$"""{"keys":[{{string.Join(',', _keys.Select(k => k.Public))}}]}""";

    private ECDsaSecurityKey Open(StoredSecret key) => _opened.GetOrAdd(key.Id, _ =>
    {
        var ecdsa = ECDsa.Create();
        ecdsa.ImportPkcs8PrivateKey(plantKey.Open(Purpose, key.Sealed), out int _);
        return new ECDsaSecurityKey(ecdsa) { KeyId = key.Id };
    });

    private static string Jwk(ECDsa key, string id)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return JsonSerializer.Serialize(new
        {
            kty = "EC", crv = "P-256", x = Base64UrlEncoder.Encode(point.X), y = Base64UrlEncoder.Encode(point.Y), kid = id, alg = "ES256",
            use = "sig",
        });
    }

    private static long Micros(TimeSpan time) => (long)time.TotalMicroseconds;
}
