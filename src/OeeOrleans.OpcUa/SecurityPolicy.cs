namespace OeeOrleans.OpcUa;

/// <summary>How messages are protected (OPC 10000-7, 6.6). The deprecated ones with SHA-1 are not offered.</summary>
public enum SecurityPolicy
{
    /// <summary>Not at all: anyone on the way reads and changes everything.</summary>
    None,
    Basic256Sha256,
    Aes128Sha256RsaOaep,
    Aes256Sha256RsaPss,
}

/// <summary>What of a message is protected (OPC 10000-4, 7.20).</summary>
public enum MessageSecurityMode
{
    Invalid = 0,
    None = 1,
    Sign = 2,
    SignAndEncrypt = 3,
}
