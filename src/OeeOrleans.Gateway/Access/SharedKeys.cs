using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Options;
using OeeOrleans.Access.Keys;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// Keeps the keys of cookies in the store, where every gateway of the plant finds them, sealed with the plant's key. What is asked for
/// here is asked for at the start and once a day.
/// </summary>
internal sealed class SharedKeys(IAccessStore store, PlantKey plantKey, TimeProvider clock)
    : IConfigureOptions<KeyManagementOptions>, IXmlRepository
{
    private const string Kind = "cookie";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public void Configure(KeyManagementOptions options)
    {
        options.XmlRepository = this;
        // The repository seals what it keeps; there is nothing left to encrypt.
        options.XmlEncryptor = null;
    }

    /// <summary>The interface knows no waiting: these calls come from the key ring's own, rare, refresh.</summary>
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var limit = new CancellationTokenSource(Limit, clock);
        var data = Task.Run(() => store.ReadAccessAsync(UnixMicros.Now(clock), limit.Token)).GetAwaiter().GetResult();
        return
        [
            .. data.Secrets.Where(s => s.Kind == Kind)
                .Select(s => XElement.Parse(System.Text.Encoding.UTF8.GetString(plantKey.Open(Kind, s.Sealed)))),
        ];
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var limit = new CancellationTokenSource(Limit, clock);
        var secret = new StoredSecret(
            friendlyName, Kind, UnixMicros.Now(clock), null, null,
            plantKey.Seal(Kind, System.Text.Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting))));
        Task.Run(() => store.AddSecretAsync(secret, limit.Token)).GetAwaiter().GetResult();
    }
}
