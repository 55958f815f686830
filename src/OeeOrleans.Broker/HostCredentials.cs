using System.Security.Cryptography;
using System.Text;

namespace OeeOrleans.Broker;

/// <summary>
/// With which this process comes into its own broker: a password made at every start, so that nobody else can be the host.
/// </summary>
public sealed class HostCredentials
{
    private readonly byte[] _password;

    public HostCredentials()
    {
        Password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        _password = Encoding.UTF8.GetBytes(Password);
    }

    public string Username => "oee-host";

    public string Password { get; }

    internal bool Admits(string? username, byte[]? password) =>
        username == Username && CryptographicOperations.FixedTimeEquals(password ?? [], _password);
}
