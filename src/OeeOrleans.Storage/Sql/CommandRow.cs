using System.Globalization;
using OeeOrleans.Model.Commands;

namespace OeeOrleans.Storage.Sql;

/// <summary>A row of `command`, as it is read and written.</summary>
internal sealed class CommandRow
{
    /// <summary>
    /// An edge node answered. The first answer counts, also when nobody waits for it any more: it says what became of the command.
    /// </summary>
    public const string Answer =
        """
        update command set state = case when @Ok then 'confirmed' else 'failed' end, old_value = @Old, new_value = @New,
          detail = @Detail, answered = oee_ts(@AtUs), finished = oee_ts(@AtUs)
        where id = @Id and edge_node = @EdgeNode and device = @Device and metric = @Metric and answered is null and state in ('sent', 'failed')
        """;

    public string Id { get; set; } = "";
    public string Machine { get; set; } = "";
    public string EdgeNode { get; set; } = "";
    public string Device { get; set; } = "";
    public string Metric { get; set; } = "";
    public string Signal { get; set; } = "";
    public string? Unit { get; set; }
    public double Scale { get; set; } = 1;
    public double Offset { get; set; }
    public string Value { get; set; } = "";
    public string Reason { get; set; } = "";
    public string State { get; set; } = "";
    public string AskedBy { get; set; } = "";
    public string AskedPerson { get; set; } = "";
    public long AskedUs { get; set; }
    public long ExpiresUs { get; set; }
    public string? Shown { get; set; }
    public string? DecidedBy { get; set; }
    public long? DecidedUs { get; set; }
    public string? Comment { get; set; }
    public long? Number { get; set; }
    public long? SentUs { get; set; }
    public long? AnswerByUs { get; set; }
    public string? Old { get; set; }
    public string? New { get; set; }
    public long? AnsweredUs { get; set; }
    public long? FinishedUs { get; set; }
    public string? Detail { get; set; }

    public static CommandRow Of(PlcCommand c) => new()
    {
        Id = c.Id, Machine = c.Machine, EdgeNode = c.EdgeNode, Device = c.Device, Metric = c.Metric, Signal = c.Signal, Unit = c.Unit,
        Scale = c.Scale, Offset = c.Offset, Value = SetWriter.Clean(c.Value), Reason = SetWriter.Clean(c.Reason), State = c.State.Name(),
        AskedBy = c.AskedBy, AskedPerson = c.AskedPerson, AskedUs = c.AskedUs, ExpiresUs = c.ExpiresUs, Shown = c.Shown is null ? null :
        SetWriter.Clean(c.Shown), DecidedBy = c.DecidedBy, DecidedUs = c.DecidedUs, Comment = c.Comment is null ? null :
        SetWriter.Clean(c.Comment), Number = c.Number, SentUs = c.SentUs, AnswerByUs = c.AnswerByUs, Old = c.Old, New = c.New, AnsweredUs
        = c.AnsweredUs, FinishedUs = c.FinishedUs, Detail = c.Detail is null ? null : SetWriter.Clean(c.Detail),
    };

    public PlcCommand ToCommand() => new()
    {
        Id = Id, Machine = Machine, EdgeNode = EdgeNode, Device = Device, Metric = Metric, Signal = Signal, Unit = Unit, Scale = Scale,
        Offset = Offset, Value = Value, Reason = Reason, State = CommandStateNames.TryParse(State, out var state) ? state :
        CommandState.Failed, AskedBy = AskedBy, AskedPerson = AskedPerson, AskedUs = AskedUs, ExpiresUs = ExpiresUs, Shown = Shown,
        DecidedBy = DecidedBy, DecidedUs = DecidedUs, Comment = Comment, Number = Number, SentUs = SentUs, AnswerByUs = AnswerByUs, Old =
        Scaled(Old), New = Scaled(New), AnsweredUs = AnsweredUs, FinishedUs = FinishedUs, Detail = Detail,
    };

    /// <summary>The edge node speaks in the metric's units.</summary>
    private string? Scaled(string? json) =>
        (Scale == 1 && Offset == 0) || !double.TryParse(json, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? json
            : ((number * Scale) + Offset).ToString("G15", CultureInfo.InvariantCulture);
}
