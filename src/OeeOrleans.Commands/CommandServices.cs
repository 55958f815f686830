using Microsoft.Extensions.DependencyInjection;

namespace OeeOrleans.Commands;

/// <summary>Adds this room to a host.</summary>
public static class CommandServices
{
    /// <param name="services">With the plant, the store, the access room and a way to the grains.</param>
    /// <param name="options">The section `commands`.</param>
    public static IServiceCollection AddCommands(this IServiceCollection services, CommandOptions options) => services
        .AddSingleton(options)
        .AddSingleton<MachineFacts>()
        .AddSingleton<CommandSender>()
        .AddSingleton<CommandDesk>()
        .AddHostedService<CommandWatch>()
        .AddHostedService<SourceTeller>();
}
