using System.Security.Claims;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using OeeOrleans.Gateway.Access;

namespace OeeOrleans.Gateway.Board;

/// <summary>A part of a page that shows or does what not everybody may see or do.</summary>
public abstract class CallerComponent : ComponentBase
{
    private ClaimsPrincipal? _user;

    /// <summary>Who looks, as that one is now; null: nobody who may. A page lives for hours, and grants change.</summary>
    internal Caller? Caller => _user is null ? null : Callers.Of(_user);

    [CascadingParameter]
    private Task<AuthenticationState>? Signed { get; set; }

    [Inject]
    private Callers Callers { get; set; } = null!;

    protected override async Task OnInitializedAsync()
    {
        if (Signed is not null) _user = (await Signed).User;
    }
}
