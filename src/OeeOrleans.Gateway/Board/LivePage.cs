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
    /// <summary>As often as the mark must beat to be believed.</summary>
    private static readonly TimeSpan Pulse = TimeSpan.FromSeconds(1);

    private Timer? _timer;
    private bool _isGone;
    private bool _isReading;
    private bool _again;
    private Task _reading = Task.CompletedTask;
    private long _readUs;
    private long _triedUs;
    private string? _shownUri;

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
    private protected ILogger<LivePage> Logger { get; set; } = null!;

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

        _shownUri = Navigation.Uri;
        if (Memory.Take(key) is { } shown) (Shown, _readUs, _triedUs) = (shown, NowUs, NowUs);
        else await TryReadAsync();
        // Whoever went on meanwhile is not to be read for any more.
        if (!_isGone) _timer = new Timer(_ => InvokeAsync(TickAsync), null, Pulse, Pulse);
    }

    /// <summary>A link within the page: it is about something else now.</summary>
    protected override async Task OnParametersSetAsync()
    {
        if (_shownUri is null || _shownUri == Navigation.Uri) return;
        _shownUri = Navigation.Uri;
        await TryReadAsync();
    }

    /// <summary>What is shown is not what the address says any more: the next link is followed wherever it leads.</summary>
    protected void LeaveAddress() => _shownUri = "";

    /// <summary>Does what a viewer asked for, and reads then. What is against it is told, and the page goes on.</summary>
    /// <returns>Null, or what is against it.</returns>
    private protected async Task<string?> TryDoAsync(Func<Caller, Task> deed)
    {
        string? against = null;
        try
        {
            await deed(Caller ?? throw new ForbiddenException("you are not signed in any more"));
        }
        catch (Exception error) when (error is BadParameterException or NotFoundException or ForbiddenException
            or OeeOrleans.Commands.CommandException)
        {
            against = error.Message;
        }
        catch (Exception error) when (IsAway(error))
        {
            against = "The store or a silo does not answer; nothing is known to be done.";
        }

        await TryReadAsync();
        return against;
    }

    /// <summary>Reads now, also because something was done: what is read meanwhile may be of before.</summary>
    protected async Task TryReadAsync()
    {
        if (Caller is null) return;
        if (_isReading)
        {
            _again = true;
            await _reading;
            return;
        }

        _isReading = true;
        var done = new TaskCompletionSource();
        _reading = done.Task;
        try
        {
            do
            {
                _again = false;
                await ReadOnceAsync();
            }
            while (_again && !_isGone);
        }
        finally
        {
            _isReading = false;
            done.SetResult();
        }
    }

    private async Task ReadOnceAsync()
    {
        _triedUs = NowUs;
        try
        {
            await ReadAsync();
            (Problem, _readUs) = (null, NowUs);
        }
        catch (Exception error) when (IsAway(error))
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
    }

    /// <summary>It is not there now, and may be in a while.</summary>
    internal static bool IsAway(Exception error) =>
        error is StoreUnavailableException or TimeoutException or Orleans.Runtime.OrleansException;

    private async Task TickAsync()
    {
        if (_isGone) return;
        if (Caller is null)
        {
            // Signed out elsewhere, disabled, or the session is over: nothing more is shown.
            _timer?.Dispose();
            StateHasChanged();
            Navigation.NavigateTo("/sign-in", forceLoad: true);
            return;
        }

        Beat++;
        if (!_isReading && NowUs - _triedUs >= (long)Every.TotalMicroseconds) await TryReadAsync();
        StateHasChanged();
    }

    public void Dispose()
    {
        _isGone = true;
        _timer?.Dispose();
        GC.SuppressFinalize(this);
    }
}
