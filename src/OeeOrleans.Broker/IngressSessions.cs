using System.Security.Cryptography;
using System.Text;

namespace OeeOrleans.Broker;

/// <summary>The sessions of ingress, whose acknowledgements take messages from the log: fixed client ids, the topic filter of each, and a
/// password made for this process, so that nobody else can take such a session over.</summary>
public sealed class IngressSessions
{
    private readonly byte[] _password;

    /// <param name="filterByClient">Client id and topic filter of each partition.</param>
    public IngressSessions(IReadOnlyDictionary<string, string> filterByClient)
    {
        FilterByClient = filterByClient;
        Password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        _password = Encoding.UTF8.GetBytes(Password);
    }

    public IReadOnlyDictionary<string, string> FilterByClient { get; }

    public string Username => "oee-ingress";

    public string Password { get; }

    internal bool Admits(string? username, byte[]? password) =>
        username == Username && CryptographicOperations.FixedTimeEquals(password ?? [], _password);
}
