namespace OeeOrleans.Kpi.Accounting;

/// <summary>A maximal stop, as far as it lies inside production time.</summary>
/// <param name="StartUs">Its first instant inside production time.</param>
/// <param name="EndUs">Where its last part inside production time ends; null while it is open.</param>
/// <param name="ProductionUs">Its length inside production time.</param>
/// <param name="Fault">The first fault that was active in it.</param>
/// <param name="Small">Shorter than the micro-stop threshold: counted as run time. Provisional while it is open.</param>
public readonly record struct StopSpan(long StartUs, long? EndUs, long ProductionUs, string? Fault, bool Small);

/// <summary>A run of one order and product: from the instant one of them changed to the next change.</summary>
/// <param name="FromUs">The first sample of the new order or product.</param>
/// <param name="ToUs">The first sample of the next one; null while it runs.</param>
/// <param name="Order">order.id, null or empty when there is none.</param>
/// <param name="Product">product.code, null or empty when there is none.</param>
public readonly record struct JobSpan(long FromUs, long? ToUs, string? Order, string? Product)
{
    /// <summary>The order where there is one, else the product; both when both are known.</summary>
    public string Name => string.Join(' ', new[] { Order, Product }.Where(n => !string.IsNullOrEmpty(n)));
}
