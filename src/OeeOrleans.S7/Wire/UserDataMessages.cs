using System.Buffers.Binary;

namespace OeeOrleans.S7.Wire;

/// <summary>A step of a user data service: the state of the CPU, lists of blocks. Its answers may come in several parts.</summary>
/// <param name="Group">Function group.</param>
/// <param name="Function">Of the group.</param>
internal readonly record struct UserDataCall(byte Group, byte Function)
{
    public static readonly UserDataCall ListBlocks = new(3, 1);
    public static readonly UserDataCall ListBlocksOfType = new(3, 2);
    public static readonly UserDataCall BlockInfo = new(3, 3);
    public static readonly UserDataCall ReadStateList = new(4, 1);
}

/// <summary>An answer's part.</summary>
/// <param name="Error">0 when all is well.</param>
/// <param name="Sequence">By which the next part is asked for.</param>
/// <param name="IsLast">Nothing follows.</param>
/// <param name="Data">The payload.</param>
internal readonly record struct UserDataPart(ushort Error, byte Sequence, bool IsLast, byte[] Data);

internal static class UserDataMessages
{
    private const int FirstParameters = 8;
    private const int NextParameters = 12;
    private const int Head = 4;
    private const byte Octets = 0x09;
    private const byte NoData = 0x0A;
    private const byte Request = 0x11;
    private const byte Response = 0x12;

    /// <returns>The frame.</returns>
    public static byte[] First(UserDataCall call, ReadOnlySpan<byte> payload)
    {
        var hasData = payload.Length > 0;
        var frame = Frame(FirstParameters, Head + payload.Length, out var parameters, out var data);
        ReadOnlySpan<byte> fixedPart = [0, 1, 0x12, 4, Request, (byte)(0x40 | call.Group), call.Function, 0];
        fixedPart.CopyTo(frame.AsSpan(parameters));
        (frame[data], frame[data + 1]) = (hasData ? (byte)0xFF : NoData, hasData ? Octets : (byte)0);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(data + 2), (ushort)payload.Length);
        payload.CopyTo(frame.AsSpan(data + Head));
        return frame;
    }

    /// <summary>Asks for the part that follows.</summary>
    public static byte[] Next(UserDataCall call, byte sequence)
    {
        var frame = Frame(NextParameters, Head, out var parameters, out var data);
        ReadOnlySpan<byte> fixedPart = [0, 1, 0x12, 8, Response, (byte)(0x40 | call.Group), call.Function, sequence, 0, 0, 0, 0];
        fixedPart.CopyTo(frame.AsSpan(parameters));
        frame[data] = NoData;
        return frame;
    }

    /// <summary>Null when it is no answer to the call.</summary>
    public static UserDataPart? Read(in S7Answer answer, UserDataCall call)
    {
        var parameters = answer.Parameters;
        if (answer.Kind != S7Pdu.UserData || parameters.Length < FirstParameters) return null;
        if ((parameters[5] & 0x3F) != call.Group || parameters[6] != call.Function) return null;
        ushort error = 0;
        var isLast = true;
        if (parameters.Length >= NextParameters)
        {
            isLast = parameters[9] == 0;
            error = BinaryPrimitives.ReadUInt16BigEndian(parameters[10..]);
        }

        var data = answer.Data;
        if (data.Length < Head) return new UserDataPart(error, parameters[7], true, []);
        var length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(data[2..]), data.Length - Head);
        // A list that is not there is said by the item, and not by the error.
        if (error == 0 && data[0] != 0xFF && data[0] != NoData) error = data[0];
        return new UserDataPart(error, parameters[7], isLast, data.Slice(Head, length).ToArray());
    }

    private static byte[] Frame(int parameterLength, int dataLength, out int parameters, out int data)
    {
        var frame = new byte[S7Pdu.Prefix + S7Pdu.JobHeader + parameterLength + dataLength];
        S7Pdu.WriteHeader(frame.AsSpan(S7Pdu.Prefix), S7Pdu.UserData, parameterLength, dataLength);
        parameters = S7Pdu.Prefix + S7Pdu.JobHeader;
        data = parameters + parameterLength;
        return frame;
    }
}
