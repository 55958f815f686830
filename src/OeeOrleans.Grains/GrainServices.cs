using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Grains.Machines;

namespace OeeOrleans.Grains;

/// <summary>Adds to a silo what the grains of this room share.</summary>
public static class GrainServices
{
    public static IServiceCollection AddOeeGrains(this IServiceCollection services)
    {
        services.AddSingleton<UnreadableLogThrottle>();
        services.AddSingleton(s => new RebirthLimiter(s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SiloPace>();
        services.AddSingleton<MachineAdmission>();
        services.AddSingleton<MachineServices>();
        return services;
    }
}
