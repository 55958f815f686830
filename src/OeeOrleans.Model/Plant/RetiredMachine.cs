namespace OeeOrleans.Model.Plant;

/// <summary>A machine that was taken out of the plant: gone from what is live, while its history stays.</summary>
/// <param name="Machine">As it was; its line may be gone since.</param>
/// <param name="AtUs">When it was retired, microseconds.</param>
public sealed record RetiredMachine(Machine Machine, long AtUs);
