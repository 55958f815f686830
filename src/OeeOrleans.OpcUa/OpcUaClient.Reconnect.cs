using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Sessions;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa;

/// <summary>What keeps the client connected.</summary>
public sealed partial class OpcUaClient
{
    private const uint ServerStatusState = 2259;

    /// <summary>How much of what was is tried to be kept. A step that fails leads to the next, which keeps less.</summary>
    private enum Recovery
    {
        SameSession,
        NewSession,
        NewSubscriptions,
    }

    private async Task RunAsync(ServerLink? link)
    {
        try
        {
            if (link is null)
            {
                link = await ReconnectAsync().ConfigureAwait(false);
                Move(ConnectionState.Connected, "connected");
            }

            while (true)
            {
                var reason = await LiveAsync(link).ConfigureAwait(false);
                _link = null;
                Move(ConnectionState.Reconnecting, reason.Message);
                link = await ReconnectAsync().ConfigureAwait(false);
                Interlocked.Increment(ref _reconnects);
                Move(ConnectionState.Connected, "connected again");
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        finally
        {
            _link = null;
        }
    }

    /// <summary>As long as a session is of use; returns why it is not any more.</summary>
    private async Task<OpcUaException> LiveAsync(ServerLink link)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        var publishing = _publisher.RunAsync(link, over.Token);
        var watching = WatchAsync(link, over.Token);
        var closed = link.Session.Channel.Closed;
        var first = await Task.WhenAny(closed, publishing, watching).WaitAsync(_ended.Token).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(Ended(publishing), Ended(watching)).ConfigureAwait(false);
        return await first.ConfigureAwait(false);
    }

    /// <summary>A loop that was cancelled ended as it should; any other error of it is ours, and is not hidden.</summary>
    private static async Task Ended(Task task)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (task.IsFaulted) await task.ConfigureAwait(false);
    }

    /// <summary>
    /// Asks a session that is silent whether it is there, makes subscriptions anew that are silent while it is, and asks again for nodes
    /// that were not there. Anything good that comes counts as a sign of life.
    /// </summary>
    private async Task<OpcUaException> WatchAsync(ServerLink link, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(WatchInterval, _clock, cancellationToken).ConfigureAwait(false);
                if (link.Session.Channel.Silence >= _options.KeepAlive) await AskAsync(link, cancellationToken).ConfigureAwait(false);
                foreach (var subscription in _publisher.Subscriptions)
                {
                    // Added while the connection was being made.
                    if (subscription.Id == 0)
                    {
                        await subscription.CreateAsync(link, cancellationToken).ConfigureAwait(false);
                        _publisher.Wake();
                    }

                    if (subscription.Silence > subscription.MaxSilence && !subscription.IsBeingHandled)
                    {
                        await AskAsync(link, cancellationToken).ConfigureAwait(false);
                        Interlocked.Increment(ref _silent);
                        await _publisher.RebuildAsync(link, subscription, cancellationToken).ConfigureAwait(false);
                    }

                    await subscription.RetryAsync(link, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (OpcUaException error)
        {
            return error;
        }
    }

    private async Task AskAsync(ServerLink link, CancellationToken cancellationToken)
    {
        var values = await link.CallAsync(
            new ReadRequest(new[] { new ReadNode(new NodeId(ServerStatusState)) }, 0), ReadRequest.Read,
                cancellationToken).ConfigureAwait(false);
        if (values is [{ Value: var state }] && state.AsDouble() is 4 or 5)
        {
            throw new OpcUaException(StatusCodes.BadShutdown, $"{Url} says that it is shutting down");
        }
    }

    private async Task<ServerLink> ReconnectAsync()
    {
        var recovery = Recovery.SameSession;
        while (true)
        {
            TimeSpan pause;
            SecureChannel? channel = null;
            try
            {
                channel = await _connector.OpenAsync(_ended.Token).ConfigureAwait(false);
                return await ResumeAsync(channel, recovery, _ended.Token).ConfigureAwait(false);
            }
            catch (OpcUaException error)
            {
                // Not even a channel: nothing was tried that could have been too much. Nor is a server another one for being away.
                var isAway = error.Status.Code is StatusCodes.BadNotConnected or StatusCodes.BadConnectionClosed
                    || (channel is null && error.Status.Code == StatusCodes.BadTimeout);
                pause = _backoff.Next(isAway);
                Log.ConnectFailed(_log, error.Message, pause.TotalSeconds);
                Move(_knownLink is null ? ConnectionState.Connecting : ConnectionState.Reconnecting, error.Message);
                if (!isAway) _connector.Forget();
                if (!isAway && channel is not null && recovery < Recovery.NewSubscriptions) recovery++;
            }
            catch (Exception error) when (!_ended.IsCancellationRequested)
            {
                // A boundary: an error of ours, or of the machine's, must not be the end of a connection.
                pause = _backoff.Next(isAway: false);
                Log.ConnectBroke(_log, Url, pause.TotalSeconds, error);
                recovery = Recovery.NewSubscriptions;
            }

            await Task.Delay(pause, _clock, _ended.Token).ConfigureAwait(false);
        }
    }

    /// <summary>One attempt over a channel. Every call in it has its own limit, so it ends.</summary>
    private async Task<ServerLink> ResumeAsync(SecureChannel channel, Recovery recovery, CancellationToken cancellationToken)
    {
        try
        {
            if (recovery == Recovery.SameSession && _session is { } session && _knownLink is { } known)
            {
                var before = session.Channel;
                if (await TryActivateAsync(session, channel, cancellationToken).ConfigureAwait(false))
                {
                    await before.DisposeAsync().ConfigureAwait(false);
                    _link = known;
                    await _publisher.ReclaimAsync(known, cancellationToken).ConfigureAwait(false);
                    return known;
                }
            }

            return await OpenNewAsync(channel, recovery != Recovery.NewSubscriptions, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _link = null;
            await channel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<bool> TryActivateAsync(Session session, SecureChannel channel, CancellationToken cancellationToken)
    {
        try
        {
            await session.ActivateAsync(channel, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (OpcUaException error) when (error.Status.Code is StatusCodes.BadSessionIdInvalid or StatusCodes.BadSessionClosed
            or StatusCodes.BadSecureChannelIdInvalid or StatusCodes.BadSessionNotActivated or StatusCodes.BadApplicationSignatureInvalid)
        {
            return false;
        }
    }

    private async Task<ServerLink> OpenNewAsync(SecureChannel channel, bool keepSubscriptions, CancellationToken cancellationToken)
    {
        var session = await Session.CreateAsync(_options, _connector.Endpoint, channel, _log, cancellationToken).ConfigureAwait(false);
        var link = await ServerLink.OpenAsync(session, _options.MaxNodesPerCall, cancellationToken).ConfigureAwait(false);
        if (_knownLink is { } known && !known.Namespaces.SequenceEqual(link.Namespaces))
        {
            Log.NamespacesChanged(_log, Url);
            keepSubscriptions = false;
        }

        Structures.Forget();
        if (_session is { } old && !ReferenceEquals(old.Channel, channel)) await old.Channel.DisposeAsync().ConfigureAwait(false);
        (_session, _knownLink, _link) = (session, link, link);
        await _publisher.TransferAsync(link, keepSubscriptions, cancellationToken).ConfigureAwait(false);
        return link;
    }
}
