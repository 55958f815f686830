using System.Security.Cryptography;
using OeeOrleans.Access.Identities;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Keys;

/// <summary>
/// The host's key for commands to PLCs (ES256): one for the plant, in the store, sealed. Edge nodes pin its public half, so it stays until
/// somebody renews it. Safe for concurrent use.
/// </summary>
public sealed class CommandKey(
    IAccessStore store, AccessDirectory directory, AccessRefresher refresher, PlantKey plantKey, TimeProvider clock)
{
    private const string Id = "command-key";
    private const string Kind = "command";

    /// <summary>Its public half: base64 of the SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).</summary>
    public async Task<string> PublicAsync(CancellationToken cancellationToken)
    {
        using var key = await OpenAsync(cancellationToken);
        return Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The key to sign with; made when there is none yet. To be disposed of.</summary>
    /// <exception cref="PlantKeyException">It was sealed with another plant key.</exception>
    public async Task<ECDsa> OpenAsync(CancellationToken cancellationToken)
    {
        if (directory.FindSecret(Id) is null)
        {
            // Of two who make it at once the first one's stays.
            await store.AddSecretAsync(Made(), cancellationToken);
            await refresher.RefreshAsync(cancellationToken);
        }

        return Opened(directory.FindSecret(Id) ?? throw new InvalidOperationException("the key for commands was just made and is gone"));
    }

    /// <summary>Its public half as this process knows it; null: there is no key yet.</summary>
    public string? PublicNow()
    {
        if (directory.FindSecret(Id) is not { } secret) return null;
        using var key = Opened(secret);
        return Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>Another key: edge nodes refuse commands until they are told it.</summary>
    public async Task RenewAsync(Doer doer, CancellationToken cancellationToken)
    {
        var entry = new AuditEntry(UnixMicros.Now(clock), doer.Label, "command.key_renew", Id, "{}") { Origin = doer.Origin };
        await store.ReplaceSecretAsync(Made(), entry, cancellationToken);
        await refresher.RefreshAsync(cancellationToken);
    }

    private StoredSecret Made()
    {
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new StoredSecret(Id, Kind, UnixMicros.Now(clock), null, null, plantKey.Seal(Kind, made.ExportPkcs8PrivateKey()));
    }

    private ECDsa Opened(StoredSecret secret)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(plantKey.Open(Kind, secret.Sealed), out _);
        return key;
    }
}
