using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Commands;

/// <summary>Who asks, approves or says no, what it may do, and from where it comes.</summary>
public sealed record CommandActor(Identity Identity, AccessScope Scope, string Origin)
{
    /// <exception cref="CommandException">There is no such machine for it, or its role there does not suffice.</exception>
    internal void Must(Permission permission, string machine, string missing)
    {
        if (!Scope.Sees(machine)) throw new CommandException(CommandRefusal.Missing, missing);
        if (!Scope.Allows(permission, machine))
        {
            var role = permission == Permission.Administer ? "admin" : "scada";
            throw new CommandException(CommandRefusal.NotAllowed, $"your role at '{machine}' does not suffice for this; {role} does");
        }
    }
}

/// <summary>A write that somebody asks for.</summary>
/// <param name="Machine">Its id.</param>
/// <param name="Metric">The signal's name, or that of the Sparkplug metric behind it.</param>
/// <param name="Value">A number, true, false or a text, in the signal's units.</param>
/// <param name="Reason">Why.</param>
public sealed record CommandRequest(string Machine, string Metric, System.Text.Json.JsonElement Value, string Reason);
