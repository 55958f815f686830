using Prometheus;

namespace OeeOrleans.Access;

/// <summary>Every figure of this room.</summary>
internal static class AccessMetrics
{
    public static readonly Counter SignIns = Metrics.CreateCounter(
        "access_sign_ins_total", "Sign-ins, by result: ok, refused, locked, busy.", "result");

    public static readonly Counter Refusals = Metrics.CreateCounter(
        "access_refusals_total", "Requests that were refused, by why: unknown, forbidden, foreign_origin, limit.", "why");

    public static readonly Counter AuditMerged = Metrics.CreateCounter(
        "access_audit_merged_total", "Refusals that stand in the audit log under 'others', because too many kinds came at once.");

    public static readonly Gauge DirectoryAge = Metrics.CreateGauge(
        "access_directory_age_seconds", "How long ago it was last seen that users and keys are as they are in the store.");
}
