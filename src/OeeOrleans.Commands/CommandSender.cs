using Microsoft.Extensions.Logging;
using OeeOrleans.Access.Keys;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;

namespace OeeOrleans.Commands;

/// <summary>Signs a command and hands it to its edge node's grain, once: what is lost on the way ends by itself.</summary>
public sealed class CommandSender(CommandKey key, IGrainFactory grains, CommandOptions options, ILogger<CommandSender> log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Null: it is on its way, or nobody knows; otherwise why it is not.</summary>
    /// <param name="value">In the metric's units, JSON.</param>
    internal async Task<string?> SendAsync(PlcCommand command, string value, string approvedBy)
    {
        string signed;
        try
        {
            signed = await SignAsync(command, value, approvedBy);
        }
        catch (Exception error)
        {
            // A boundary: what is not signed is not sent.
            Log.NotSigned(log, command.Id, error);
            return $"it could not be signed: {error.Message}";
        }

        try
        {
            return await grains.GetGrain<IEdgeNodeGrain>(command.EdgeNode).SendCommand(command.Device, signed).WaitAsync(Patience);
        }
        catch (Exception error)
        {
            // A boundary: it may be on its way all the same. Its answer tells, or its time ends.
            Log.NotKnown(log, command.Id, error);
            return null;
        }
    }

    private async Task<string> SignAsync(PlcCommand command, string value, string approvedBy)
    {
        using var signing = await key.OpenAsync(CancellationToken.None);
        var sentMs = command.SentUs!.Value / UnixMicros.PerMillisecond;
        return new SignedCommand
        {
            Id = command.Id, Number = command.Number!.Value, EdgeNode = command.EdgeNode, Device = command.Device, Metric = command.Metric,
            Value = value, IssuedMs = sentMs, ExpiresMs = sentMs + (long)options.BeginWithin.TotalMilliseconds,
            AskedBy = command.AskedBy, ApprovedBy = approvedBy, Reason = command.Reason,
        }.Seal(signing);
    }
}
