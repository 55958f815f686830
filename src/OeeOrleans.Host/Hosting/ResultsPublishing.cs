using OeeOrleans.Edge.Results;
using OeeOrleans.Grains.Results;
using OeeOrleans.Model;
using OeeOrleans.Mqtt;

namespace OeeOrleans.Host.Hosting;

/// <summary>Puts the edge room's results node behind what the results grain asks for.</summary>
internal static class ResultsPublishing
{
    /// <param name="name">Sparkplug `group/node` to publish under.</param>
    /// <param name="broker">Where to publish.</param>
    public static Func<IServiceProvider, ResultsPublisherFactory> FactoryFor(string name, BrokerAddress broker)
    {
        var parts = name.Split('/');
        return services => (ids, nextBdSeq) => new Publisher(new ResultsNode(
            parts[0], parts[1], ids, broker, nextBdSeq, services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILoggerFactory>().CreateLogger("OeeOrleans.Edge.Results")));
    }

    private sealed class Publisher(ResultsNode node) : IResultsPublisher
    {
        public void Update(string id, OeeWindow shift) => node.Update(id, shift);

        public Task RunAsync(CancellationToken cancellationToken) => node.RunAsync(cancellationToken);
    }
}
