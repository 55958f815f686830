using System.CommandLine;
using OeeOrleans.Host.Config;

namespace OeeOrleans.Host.Commands;

/// <summary>The options of every verb that starts servers; each overrides the file. Port 0 = any free port, printed.</summary>
internal sealed class ServerOptions
{
    private readonly Option<string?> _urls = new("--urls") { Description = "addresses of the gateway, such as http://127.0.0.1:8080" };
    private readonly Option<int?> _mqttPort = new("--mqtt-port") { Description = "port of the embedded broker" };
    private readonly Option<string?> _data = new("--data")
    {
        Description = "directory for the embedded store and what else must be remembered",
    };
    private readonly Option<int?> _siloPort = new("--silo-port") { Description = "port between silos" };
    private readonly Option<bool> _olderModel = new("--accept-older-model")
    {
        Description = "the plant model of the file is one that was replaced, and that is meant",
    };
    private readonly Option<int?> _gatewayPort = new("--gateway-port") { Description = "port for Orleans clients" };

    public void AddTo(Command command)
    {
        command.Add(_urls);
        command.Add(_mqttPort);
        command.Add(_data);
        command.Add(_siloPort);
        command.Add(_gatewayPort);
        command.Add(_olderModel);
    }

    public OeeConfig Apply(ParseResult parsed, OeeConfig config) => config with
    {
        GatewayUrls = parsed.GetValue(_urls) ?? config.GatewayUrls,
        MqttPort = parsed.GetValue(_mqttPort) ?? config.MqttPort,
        DataDir = parsed.GetValue(_data) ?? config.DataDir,
        SiloPort = parsed.GetValue(_siloPort) ?? config.SiloPort,
        GatewayPort = parsed.GetValue(_gatewayPort) ?? config.GatewayPort,
        AcceptOlderModel = parsed.GetValue(_olderModel) || config.AcceptOlderModel,
    };
}
