using System.CommandLine;
using Microsoft.Extensions.Logging;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Tags;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Host.Commands;

/// <summary>Which PLC, and how it is spoken to: the options common to `oee tags`.</summary>
internal sealed class TagSourceOptions
{
    private readonly Option<string?> _security = new("--security")
    {
        Description = "OPC UA policy: None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss; the best offered when left "
            + "out, never None",
    };

    private readonly Option<string?> _mode = new("--mode")
    {
        Description = "OPC UA: Sign or SignAndEncrypt; the best offered when left "
        + "out"
    };
    private readonly Option<string?> _user = new("--user") { Description = "user name" };
    private readonly PasswordOption _password = new("password of the user");
    private readonly Option<string?> _userCertificate = new("--user-certificate") { Description = "PEM file of the user's certificate" };
    private readonly Option<string?> _userKey = new("--user-key") { Description = "PEM file of its key" };
    private readonly Option<string> _pki = new("--pki")
    {
        Description = "folder of our own certificate, and of trusted and rejected ones", DefaultValueFactory = _ => "./pki",
    };

    private readonly Option<bool> _trustServer =
        new("--trust-server") { Description = "accept this server's certificate once and remember it" };
    private readonly Option<bool> _trustEverything = new("--trust-everything")
    {
        Description = "accept any certificate unchecked: anyone may pose as the server",
    };

    private readonly Option<bool> _clearPassword =
        new("--clear-password") { Description = "send the password even where nothing protects it" };

    public Option<string> Url { get; } = new("--source")
    {
        Description = "opc.tcp://host:port/path, s7://host?rack=0&slot=1 or cip://host/1,0?plc=controllogix", Required = true,
    };

    public Command On(Command command)
    {
        Option[] all =
        [
            Url, _security, _mode, _user, .. _password.All, _userCertificate,
            _userKey, _pki, _trustServer, _trustEverything, _clearPassword,
        ];
        foreach (var option in all) command.Add(option);
        return command;
    }

    /// <summary>Opens the PLC and does something with it. Wrong usage is told before anything is opened.</summary>
    public async Task<int> RunAsync(
        ParseResult parsed, IReadOnlyCollection<string> addresses, Func<ITagAccess, Task<int>> run, CancellationToken cancellationToken,
        bool areStarts = false)
    {
        var wrongSettings = Read(parsed, out var settings);
        var mistake = TagAccess.CheckSource(parsed.GetRequiredValue(Url), out var url)
            ?? addresses.Select(a => areStarts ? TagAccess.CheckStart(url!, a) : TagAccess.CheckAddress(url!, a)).FirstOrDefault(m =>
                m is not null)
            ?? wrongSettings ?? (url!.Scheme != "opc.tcp" && settings != new OpcUaSettings() ? "such a PLC knows no user and no security; "
                + "those options are for opc.tcp:// sources" : null);
        if (mistake is not null) return await WrongAsync(mistake);
        using var logging = LoggerFactory.Create(builder => builder
            .SetMinimumLevel(LogLevel.Warning)
            .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .AddSimpleConsole(console => console.SingleLine = true));
        try
        {
            await using var tags = await TagAccess.OpenAsync(
                url!, settings, parsed.GetRequiredValue(_pki), logging.CreateLogger("oee"), cancellationToken);
            return await run(tags);
        }
        catch (Exception error) when (error is OpcUaException or PlcException)
        {
            await Console.Error.WriteLineAsync($"oee: {error.Message}");
            return ExitCode.Failure;
        }
        catch (ArgumentException error)
        {
            return await WrongAsync(error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"oee: {parsed.GetRequiredValue(_pki)}: {error.Message}");
            return ExitCode.Failure;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Failure;
        }
    }

    private static async Task<int> WrongAsync(string what)
    {
        await Console.Error.WriteLineAsync($"oee: {what}");
        return ExitCode.WrongUsage;
    }

    private string? Read(ParseResult parsed, out OpcUaSettings settings)
    {
        settings = new OpcUaSettings
        {
            User = parsed.GetValue(_user), Password = _password.Read(parsed), UserCertificate = parsed.GetValue(_userCertificate),
            UserKey = parsed.GetValue(_userKey), Trust = Trust(parsed), ClearPassword = parsed.GetValue(_clearPassword),
        };
        if (parsed.GetValue(_security) is { } security)
        {
            if (!SecurityPolicies.TryParse(security, out var policy)) return $"--security is one of {SecurityPolicies.Names}, not "
                + $"'{security}'";
            settings = settings with { Policy = policy };
        }

        if (parsed.GetValue(_mode) is { } mode)
        {
            if (!Enum.TryParse<MessageSecurityMode>(mode, true, out var known) || known is MessageSecurityMode.Invalid)
            {
                return $"--mode is Sign or SignAndEncrypt, not '{mode}'";
            }

            settings = settings with { Mode = known };
        }

        if (parsed.GetRequiredValue(Url) is var url && Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0)
        {
            return "a name and password do not belong into a URL; --user and --password take them";
        }

        if (settings is { User: not null, UserCertificate: not null }) return "give either --user or --user-certificate";
        if (settings is { User: null, Password: not null }) return "--password needs --user";
        return settings is { UserKey: not null, UserCertificate: null } ? "--user-key needs --user-certificate" : null;
    }

    private ServerTrust Trust(ParseResult parsed)
    {
        if (parsed.GetValue(_trustEverything)) return ServerTrust.Everything;
        return parsed.GetValue(_trustServer) ? ServerTrust.OnFirstUse : ServerTrust.Store;
    }
}
