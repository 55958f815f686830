using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Logging;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Live;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Board;

/// <summary>
/// A page that reads anew by itself: every so often, one reading at a time, as long as somebody looks at it who may. What cannot be read is
/// said, and read again.
/// </summary>
public abstract class LivePage : CallerComponent, IDisposable
{
    private Timer? _timer;
    private bool _isReading;
    private long _readUs;

    [Inject]
    internal PlantDirectory Plant { get; set; } = null!;

    [Inject]
    internal TimeProvider Clock { get; set; } = null!;

    [Inject]
    internal NavigationManager Navigation { get; set; } = null!;

    [Inject]
    internal LiveBoard Live { get; set; } = null!;

    [Inject]
    private PageMemory Memory { get; set; } = null!;

    [Inject]
    private ILogger<LivePage> Logger { get; set; } = null!;

    /// <summary>Why the page is not as it should be; null: it is.</summary>
    protected string? Problem { get; set; }

    /// <summary>The page is painted, and its connection is not there yet: what is pressed now would be lost.</summary>
    protected bool IsDeaf => !RendererInfo.IsInteractive;

    protected int Beat { get; private set; }

    protected TimeZoneInfo Zone { get; private set; } = TimeZoneInfo.Utc;

    protected long NowUs => UnixMicros.Now(Clock);

    protected string LiveText => _readUs == 0 ? "reading" : $"live, {Format.Tenths(Math.Max(0, NowUs - _readUs) / 1e6)} s behind";

    /// <summary>How often it reads.</summary>
    protected virtual TimeSpan Every => TimeSpan.FromSeconds(2);

    /// <summary>Reads what the page shows.</summary>
    protected abstract Task ReadAsync();

    /// <summary>What was read, to go on from.</summary>
    protected abstract object Shown { get; set; }

    protected override async Task OnInitializedAsync()
    {
        await base.OnInitializedAsync();
        if (TimeZoneInfo.TryFindSystemTimeZoneById(Plant.Plant.Site.TimeZone, out var zone)) Zone = zone;
        // The address and who looks: nobody goes on from another one's page.
        var key = $"{Caller?.Identity.Label}\n{Caller?.Identity.Session}\n{Navigation.Uri}";
        if (!RendererInfo.IsInteractive)
        {
            await TryReadAsync();
            if (Problem is null) Memory.Keep(key, Shown);
            return;
        }

        if (Memory.Take(key) is { } shown) (Shown, _readUs) = (shown, NowUs);
        else await TryReadAsync();
        _timer = new Timer(_ => InvokeAsync(TickAsync), null, Every, Every);
    }

    /// <summary>Reads now, also because something was done.</summary>
    protected async Task TryReadAsync()
    {
        if (Caller is null || _isReading) return;
        _isReading = true;
        try
        {
            await ReadAsync();
            (Problem, _readUs) = (null, NowUs);
        }
        catch (Exception error) when (error is StoreUnavailableException or TimeoutException or Orleans.Runtime.OrleansException)
        {
            Problem = "The store or a silo does not answer; it is asked again.";
        }
        catch (Exception error) when (error is ForbiddenException or NotFoundException or BadParameterException)
        {
            Problem = error.Message;
        }
        catch (Exception error)
        {
            // A boundary: a page that fails once goes on.
            Problem = "This could not be read by an error of ours; the log says why.";
            Log.PageFailed(Logger, GetType().Name, error);
        }
        finally
        {
            _isReading = false;
        }
    }

    private async Task TickAsync()
    {
        if (Caller is null)
        {
            // Signed out elsewhere, disabled, or the session is over: nothing more is shown.
            _timer?.Dispose();
            StateHasChanged();
            Navigation.NavigateTo("/sign-in", forceLoad: true);
            return;
        }

        await TryReadAsync();
        Beat++;
        StateHasChanged();
    }

    public void Dispose()
    {
        _timer?.Dispose();
        GC.SuppressFinalize(this);
    }
}
