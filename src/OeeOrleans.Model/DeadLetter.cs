namespace OeeOrleans.Model;

/// <summary>A message nobody could read: kept (bounded) so that a person can see what a device sent.</summary>
public sealed record DeadLetter(long TimeUs, string Topic, byte[] Payload, string Reason);
