namespace OeeOrleans.Access.Grants;

/// <summary>What a grant says; each of the first three holds what those before it hold, and `admin` what all of them hold.</summary>
public enum Role
{
    /// <summary>Looks at the present: states, figures, why they are so, faults.</summary>
    Dashboard,

    /// <summary>And at the past: history, trends, exports, replay.</summary>
    Analytics,

    /// <summary>And acknowledges, shelves, gives reasons, asks for writes.</summary>
    Scada,

    /// <summary>Publishes as an edge node, and nothing else.</summary>
    Edge,

    /// <summary>And configures, keeps users and keys, approves, reads the audit.</summary>
    Admin,
}

/// <summary>What somebody may do somewhere.</summary>
[Flags]
public enum Permission
{
    None = 0,

    /// <summary>See that it exists, and what it does now.</summary>
    Look = 1,

    /// <summary>See what it did.</summary>
    History = 2,

    /// <summary>Acknowledge, shelve, give reasons, ask for writes.</summary>
    Operate = 4,

    /// <summary>Publish as an edge node.</summary>
    Publish = 8,

    /// <summary>Configure, keep users and keys, approve, read the audit.</summary>
    Administer = 16,
}

/// <summary>Names of roles, and what they permit.</summary>
public static class RoleNames
{
    /// <summary>All of them, as they are written.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Enum.GetValues<Role>().Select(r => r.Name())];

    public static string Name(this Role role) => role switch
    {
        Role.Dashboard => "dashboard",
        Role.Analytics => "analytics",
        Role.Scada => "scada",
        Role.Edge => "edge",
        _ => "admin",
    };

    public static bool TryParse(string name, out Role role)
    {
        foreach (var one in Enum.GetValues<Role>())
        {
            role = one;
            if (one.Name() == name) return true;
        }

        role = default;
        return false;
    }

    public static Permission Permissions(this Role role) => role switch
    {
        Role.Dashboard => Permission.Look,
        Role.Analytics => Permission.Look | Permission.History,
        Role.Scada => Permission.Look | Permission.History | Permission.Operate,
        Role.Edge => Permission.Publish,
        _ => Permission.Look | Permission.History | Permission.Operate | Permission.Administer,
    };
}
