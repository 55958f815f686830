using OeeOrleans.Access;
using OeeOrleans.Gateway.Api;

namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>Deeds about users and keys that a person does on the board.</summary>
internal static class AccessDeeds
{
    /// <returns>Null, or what is against it.</returns>
    public static async Task<string?> TryAsync(Func<Task> deed)
    {
        try
        {
            await deed();
            return null;
        }
        catch (Exception error) when (error is AccessDeniedException or AccessInputException or BadParameterException)
        {
            return error.Message;
        }
        catch (Exception error) when (LivePage.IsAway(error))
        {
            return "The store does not answer; nothing is known to be done.";
        }
    }
}
