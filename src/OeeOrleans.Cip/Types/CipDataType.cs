namespace OeeOrleans.Cip;

/// <summary>Type codes (CIP volume 1, appendix C-6.1; structures as Logix tells them).</summary>
public enum CipDataType : ushort
{
    /// <summary>Not known.</summary>
    Unknown = 0,
    Bool = 0xC1,
    Sint = 0xC2,
    Int = 0xC3,
    Dint = 0xC4,
    Lint = 0xC5,
    Usint = 0xC6,
    Uint = 0xC7,
    Udint = 0xC8,
    Ulint = 0xC9,
    Real = 0xCA,
    Lreal = 0xCB,
    STime = 0xCC,
    Date = 0xCD,
    TimeOfDay = 0xCE,
    DateAndTime = 0xCF,

    /// <summary>Text with a length in front; some simulators send a Logix STRING's 88 bytes under it.</summary>
    String = 0xD0,
    Byte = 0xD1,
    Word = 0xD2,

    /// <summary>32 bits; at Logix an element of an array of BOOL.</summary>
    Dword = 0xD3,
    Lword = 0xD4,
    FTime = 0xD6,
    LTime = 0xD7,
    ITime = 0xD8,

    /// <summary>Text of up to 255 bytes with its length in front: STRING of a Micro800.</summary>
    ShortString = 0xDA,
    Time = 0xDB,

    /// <summary>A structure; its handle follows.</summary>
    Structure = 0x02A0,
}
