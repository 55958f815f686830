using System.Security.Cryptography;
using System.Text;

namespace OeeOrleans.Access.Keys;

/// <summary>
/// The one secret that is a file: what is secret in the store is sealed with it (AES-256-GCM), and the audit log's chain is keyed by it.
/// Every process of a plant needs the same.
/// </summary>
public sealed class PlantKey
{
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _key;

    private PlantKey(byte[] key) => _key = key;

    /// <summary>Reads the file; makes it, for its owner alone, when it is not there.</summary>
    /// <exception cref="PlantKeyException">The file is not one of ours.</exception>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public static PlantKey LoadOrCreate(string path)
    {
        if (!File.Exists(path)) TryCreate(path);
        return Load(path);
    }

    /// <summary>Reads the file.</summary>
    /// <exception cref="PlantKeyException">There is none, or it is not one of ours.</exception>
    public static PlantKey Load(string path)
    {
        if (!File.Exists(path)) throw new PlantKeyException($"the access key file '{path}' does not exist");
        var key = new byte[KeyBytes];
        var text = File.ReadAllText(path).Trim();
        if (Convert.TryFromBase64String(text, key, out var length) && length == KeyBytes) return new PlantKey(key);
        throw new PlantKeyException(
            $"the access key file '{path}' does not hold {KeyBytes} bytes as base64; copy it from where it was made, or take it away "
                + "to have a new one made (keys in the store are lost then)");
    }

    /// <summary>For what must not outlive the process, and for tests.</summary>
    public static PlantKey Random() => new(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>A key for one purpose, from which nothing can be said of the others (HKDF, RFC 5869).</summary>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, KeyBytes, info: Encoding.UTF8.GetBytes(purpose));

    /// <summary>Seals bytes; only <see cref="Open"/> with the same purpose gets at them.</summary>
    /// <returns>base64.</returns>
    public string Seal(string purpose, ReadOnlySpan<byte> plain)
    {
        var sealedBytes = new byte[NonceBytes + plain.Length + TagBytes];
        var nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(Derive(purpose), TagBytes);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceBytes, plain.Length), sealedBytes.AsSpan(NonceBytes + plain.Length));
        return Convert.ToBase64String(sealedBytes);
    }

    /// <exception cref="PlantKeyException">It was sealed with another key or for another purpose, or was changed.</exception>
    public byte[] Open(string purpose, string text)
    {
        var bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out var length) || length < NonceBytes + TagBytes) throw Foreign();
        var sealedBytes = bytes.AsSpan(0, length);
        var plain = new byte[length - NonceBytes - TagBytes];
        using var aes = new AesGcm(Derive(purpose), TagBytes);
        try
        {
            aes.Decrypt(sealedBytes[..NonceBytes], sealedBytes[NonceBytes..^TagBytes], sealedBytes[^TagBytes..], plain);
        }
        catch (AuthenticationTagMismatchException)
        {
            throw Foreign();
        }

        return plain;
    }

    private static PlantKeyException Foreign() => new(
        "what the store holds was sealed with another access key; every process of a plant needs the same: copy the file `access.key` from "
            + "the data directory of the first one, or let access.key_file name one file for all");

    private static void TryCreate(string path)
    {
        // Whole or not at all: two processes may start at once, and the first one's stays.
        var temporary = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes)) + "\n"));
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(temporary);
        }
    }
}

/// <summary>The plant's key is not there, or not the one that was used.</summary>
public sealed class PlantKeyException(string message) : Exception(message);
