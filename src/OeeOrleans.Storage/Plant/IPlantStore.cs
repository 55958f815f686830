using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Storage.Plant;

/// <summary>The plant model as data: its revisions, of which the newest holds. Times are microseconds since 1970 UTC. Throws
/// <see cref="StoreUnavailableException"/> while the database cannot be reached.</summary>
public interface IPlantStore
{
    /// <summary>The number of the newest revision; 0 while there is none.</summary>
    Task<long> ReadNewestRevisionAsync(CancellationToken cancellationToken);

    /// <summary>The newest revision and what machines' models were over time, of one instant; null while there is none.</summary>
    Task<StoredPlant?> ReadPlantAsync(CancellationToken cancellationToken);

    /// <summary>One revision; null: there is none of that number.</summary>
    Task<PlantRevision?> ReadRevisionAsync(long revision, CancellationToken cancellationToken);

    /// <summary>What the plant's file said when it was last taken in, or left aside; null: it never was.</summary>
    Task<string?> ReadFileAsync(CancellationToken cancellationToken);

    /// <summary>The file was looked at, and the store's plant stays.</summary>
    Task SaveFileAsync(string document, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Revisions before one (null: from the newest on), newest first, at most <paramref name="limit"/>; without
    /// documents.</summary>
    Task<List<PlantRevision>> ReadRevisionsAsync(long? before, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a revision with all that follows from it, in one transaction. False: it is not the one after the newest any more, and nothing
    /// is written.
    /// </summary>
    Task<bool> SaveRevisionAsync(PlantWrite write, CancellationToken cancellationToken);

    /// <summary>Devices that sent and are no machines, by name, at most <paramref name="limit"/>.</summary>
    Task<List<DiscoveredDevice>> ReadDiscoveredAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Signals of a machine or device with their newest samples, in order of their names.</summary>
    /// <param name="machine">Its id.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="untilUs">Samples from after this are left out; null: none are.</param>
    Task<List<SignalNow>> ReadSignalsNowAsync(string machine, CancellationToken cancellationToken, long? untilUs = null);

    /// <summary>Every edge node that was ever heard, `group/node`, at most <paramref name="limit"/>.</summary>
    Task<List<string>> ReadEdgeNodesAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Puts a device on the list of those nobody wants to hear of, or takes it off.</summary>
    Task IgnoreAsync(string device, bool ignores, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Drafts, newest first.</summary>
    Task<List<PlantDraft>> ReadDraftsAsync(CancellationToken cancellationToken);

    /// <summary>Writes a draft, in place of the one of its id.</summary>
    Task SaveDraftAsync(PlantDraft draft, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>False: there is none of that id.</summary>
    Task<bool> DeleteDraftAsync(string id, AuditEntry audit, CancellationToken cancellationToken);
}

/// <summary>A device that sent and is no machine.</summary>
/// <param name="Name">`group/node/device`; of a node itself `group/node`.</param>
/// <param name="Signals">How many it has.</param>
/// <param name="FirstUs">Its oldest sample that is stored; null: there is none.</param>
/// <param name="LastUs">Its newest sample.</param>
/// <param name="IgnoredBy">Who wants to hear no more of it; null: nobody.</param>
public sealed record DiscoveredDevice(string Name, long Signals, long? FirstUs, long? LastUs, string? IgnoredBy);

/// <summary>A signal and its newest sample; without one the time is null.</summary>
public sealed record SignalNow(string Name, string DataType, string? Unit, long? TimeUs, double? Value, string? Text, short Quality);

/// <summary>Changes of the plant that are not made yet.</summary>
/// <param name="Edits">As JSON.</param>
public sealed record PlantDraft(string Id, long AtUs, string Author, string Comment, string Edits);

/// <summary>A state of the plant model.</summary>
/// <param name="Revision">From 1 on, without gaps.</param>
/// <param name="AtUs">When it was made.</param>
/// <param name="Author">Who made it.</param>
/// <param name="Origin">From where: an address, `command line`, the name of a file.</param>
/// <param name="Source">See <see cref="RevisionSource"/>.</param>
/// <param name="Comment">Why, in the author's words.</param>
/// <param name="ValidFromUs">From when on what OEE depends on holds; null: from when it was made.</param>
/// <param name="Document">The plant as JSON; empty in a list.</param>
public sealed record PlantRevision(
    long Revision, long AtUs, string Author, string Origin, string Source, string Comment, long? ValidFromUs, string Document);

/// <summary>Which way a revision came.</summary>
public static class RevisionSource
{
    /// <summary>`plant.yaml`, at a start or by `oee config import`.</summary>
    public const string File = "file";

    /// <summary>Another file than the plant's, such as an export of another plant.</summary>
    public const string Import = "import";

    /// <summary>The API or the board.</summary>
    public const string Api = "api";

    /// <summary>Back to an earlier revision.</summary>
    public const string Rollback = "rollback";
}

/// <summary>The newest revision, and the versions of machines' models in order of machine, part and time.</summary>
public sealed record StoredPlant(PlantRevision Revision, IReadOnlyList<ModelVersion> Models);

/// <summary>A revision with what follows from it.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Plant">What its document says.</param>
/// <param name="Calendars">The calendars as JSON, by id.</param>
/// <param name="Models">Every version of machines' models, as they are from now on; null: they stay.</param>
/// <param name="Moves">Signals that were stored under the name of a device, and are a machine's now.</param>
/// <param name="Change">For the audit log.</param>
public sealed record PlantWrite(
    PlantRevision Revision, PlantModel Plant, IReadOnlyList<(string Id, string Definition)> Calendars,
    IReadOnlyList<ModelVersion>? Models, IReadOnlyList<SignalMove> Moves, AuditEntry Change)
{
    /// <summary>What the newest revision says before this one: only what differs is written. Null: there is none.</summary>
    public PlantModel? Before { get; init; }

    /// <summary>What the plant's file says, when this is that.</summary>
    public string? File { get; init; }
}

/// <summary>What a device said before the plant model knew it becomes a machine's history.</summary>
/// <param name="From">What it was stored under, `group/node/device`.</param>
/// <param name="To">The machine.</param>
/// <param name="Names">What metrics are called there; one that is not named keeps its name, and one that is null stays where it is.</param>
public sealed record SignalMove(string From, string To, IReadOnlyDictionary<string, string?> Names);
