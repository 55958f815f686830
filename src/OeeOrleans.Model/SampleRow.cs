namespace OeeOrleans.Model;

/// <summary>One row of the table `sample`: a value of a signal at its source time.</summary>
/// <param name="SignalId">Key of the table `signal`.</param>
/// <param name="TimeUs">Source time (device clock), microseconds.</param>
/// <param name="Value">Number, or 0/1 for a boolean; NaN when there is no number (text, bad).</param>
/// <param name="Text">Text, structures as JSON, integers beyond 2^53 in full, "NaN" and infinities.</param>
/// <param name="Quality">OPC quality number.</param>
/// <param name="IngestUs">Ingest time (our clock), microseconds.</param>
public readonly record struct SampleRow(int SignalId, long TimeUs, double Value, string? Text, short Quality, long IngestUs);
