using System.Net;
using System.Security.Cryptography;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Host.Hosting;

/// <summary>How the first one gets in: the demo's user, or a link that makes the first administrator.</summary>
internal static class FirstSignIn
{
    private const string DemoUser = "demo";

    /// <summary>Lines for the terminal; null: there are users, and they know how.</summary>
    /// <param name="hosts">Names the gateway is asked for under.</param>
    public static async Task<string?> PrepareAsync(
        WebApplication app, bool isDemo, IReadOnlyList<string> hosts, CancellationToken cancellationToken)
    {
        var keeper = app.Services.GetRequiredService<AccessKeeper>();
        var directory = app.Services.GetRequiredService<AccessDirectory>();
        if (isDemo) return $"sign in    {DemoUser} / {await DemoAsync(keeper, directory, cancellationToken)}\n";
        if (directory.HasUsers) return null;
        var word = await keeper.NewSetupWordAsync(cancellationToken);
        return $"sign in    {Reachable(app.Urls.First(), hosts)}/setup?word={word} makes the first administrator, once\n";
    }

    /// <summary>Of "all addresses" nobody can ask for a page.</summary>
    private static string Reachable(string url, IReadOnlyList<string> hosts)
    {
        var uri = new UriBuilder(url);
        if (uri.Host is "0.0.0.0" or "[::]") uri.Host = hosts.FirstOrDefault() ?? Dns.GetHostName();
        return uri.Uri.GetLeftPart(UriPartial.Authority);
    }

    /// <summary>Another password at every start: whoever sees the terminal may change things, nobody else.</summary>
    private static async Task<string> DemoAsync(AccessKeeper keeper, AccessDirectory directory, CancellationToken cancellationToken)
    {
        var password = RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 12);
        var demo = new Doer("system:demo", "command line", null);
        if (directory.Stored(DemoUser) is null)
        {
            var grant = new Grant(Role.Admin, directory.Tree.Site);
            await keeper.AddUserAsync(demo, DemoUser, password, [grant], mustChange: false, cancellationToken);
        }
        else
        {
            await keeper.SetPasswordAsync(demo, DemoUser, password, mustChange: false, cancellationToken);
        }

        return password;
    }
}
