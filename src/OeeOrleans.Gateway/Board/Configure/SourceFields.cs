namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>The fields of what an edge node reads: the keys of `edge.sources` with words for people.</summary>
internal static class SourceFields
{
    private static readonly (string, string)[] Policies =
    [
        ("", "best offered (default)"), ("Basic256Sha256", "Basic256Sha256"), ("Aes128_Sha256_RsaOaep", "Aes128_Sha256_RsaOaep"),
        ("Aes256_Sha256_RsaPss", "Aes256_Sha256_RsaPss"), ("None", "none"),
    ];

    private static readonly (string, string)[] Modes =
        [("", "best offered (default)"), ("Sign", "signed"), ("SignAndEncrypt", "signed and encrypted"), ("None", "none")];

    private static readonly (string, string)[] Trusts =
        [("", "certificates put aside (default)"), ("first_use", "the first one seen")];

    private static readonly (string, string)[] YesNo = [("", "no"), ("true", "yes")];

    public static IReadOnlyList<FieldSpec> Fields { get; } =
    [
        new("/edge_node", "edge node", Hint: "group/node"), new("/url", "address", Hint: "s7://10.0.4.17?rack=0&slot=1"),
        new("/device", "device", Hint: "as its id"), new("/interval_ms", "read every, ms", FieldKind.Number, Hint: "250"),
        new("/fallback", "second source", Hint: "none"),
        new("/fallback_after_s", "it speaks after, s", FieldKind.Number, Hint: "5"),
        new("/hand_back_after_s", "and until well for, s", FieldKind.Number, Hint: "30"),
        new("/username", "user, OPC UA", Hint: "anonymous"), new("/password_file", "file of the password, at the edge", Hint: "none"),
        new("/security", "security, OPC UA", Choices: Policies), new("/mode", "messages are", Choices: Modes),
        new("/trust", "server is trusted by", Choices: Trusts), new("/guard", "scan guard, CIP", Hint: "none"),
    ];

    public static IReadOnlyList<RowSpec> Tables { get; } =
    [
        new(
            "/tags", "Tags", false,
            [
                new("/address", "address", Hint: "DB1.DBX0.0"), new("/metric", "metric", Hint: "state.run"),
                new("/interval_ms", "every, ms", FieldKind.Number, Hint: "as above"),
                new("/scale", "scale", FieldKind.Number, Hint: "1"), new("/offset", "offset", FieldKind.Number, Hint: "0"),
                new("/deadband", "deadband", FieldKind.Number, Hint: "0"), new("/unit", "unit"),
                new("/writable", "writable", FieldKind.Flag, YesNo),
            ],
            IsOpen: true),
    ];
}
