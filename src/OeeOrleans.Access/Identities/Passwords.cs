using Microsoft.AspNetCore.Identity;

namespace OeeOrleans.Access.Identities;

/// <summary>
/// Hashes of passwords (ASP.NET Core Identity: PBKDF2, HMAC-SHA512, 100,000 rounds). A hash takes tens of milliseconds of a core, so only
/// as many as there are cores run at once and a few wait; more are sent away, and the plant goes on.
/// </summary>
internal sealed class Passwords
{
    public const int MinLength = 10;
    public const int MaxLength = 200;

    private const int MaxWaiting = 32;

    private static readonly PasswordHasher<string> Hasher = new();
    private static readonly string Nobody = Hasher.HashPassword("", Guid.NewGuid().ToString());

    private readonly SemaphoreSlim _cores = new(Math.Max(1, Environment.ProcessorCount / 2));
    private int _waiting;

    /// <exception cref="AccessInputException">Too short, too long, or the user's own name.</exception>
    public static void Check(string user, string password)
    {
        if (password.Length is < MinLength or > MaxLength)
        {
            throw new AccessInputException("password", $"a password has {MinLength} to {MaxLength} characters");
        }

        if (password.Contains(user, StringComparison.OrdinalIgnoreCase))
        {
            throw new AccessInputException("password", "a password does not contain the user's name");
        }
    }

    public static string Hash(string password) => Hasher.HashPassword("", password);

    /// <param name="hash">Null: there is no such user, which must not be told by the time it takes.</param>
    /// <param name="password">What was given.</param>
    /// <param name="cancellationToken">The caller is gone.</param>
    /// <returns>Null: too many at once.</returns>
    public async Task<bool?> VerifyAsync(string? hash, string password, CancellationToken cancellationToken)
    {
        if (password.Length > MaxLength) return false;
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }

        try
        {
            await _cores.WaitAsync(cancellationToken);
            try
            {
                var result = await Task.Run(() => Hasher.VerifyHashedPassword("", hash ?? Nobody, password), cancellationToken);
                return hash is not null && result != PasswordVerificationResult.Failed;
            }
            finally
            {
                _cores.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
