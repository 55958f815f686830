namespace OeeOrleans.Broker;

/// <summary>
/// The sessions of ingress, whose acknowledgements take messages from the log: fixed client ids, the topic filter of each.
/// </summary>
/// <param name="FilterByClient">Client id and topic filter of each partition.</param>
public sealed record IngressSessions(IReadOnlyDictionary<string, string> FilterByClient);
