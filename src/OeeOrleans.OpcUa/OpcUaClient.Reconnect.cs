using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Sessions;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa;

/// <summary>What keeps the client connected.</summary>
public sealed partial class OpcUaClient
{
    private const uint ServerStatusState = 2259;

    /// <summary>Connections cut in the same step before less is tried to be kept.</summary>
    private const int CutsBeforeNext = 3;

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
                _backoff.Reset();
                var reason = await LiveOrBreakAsync(link).ConfigureAwait(false);
                _link = null;
                // At once: a server with room for one connection takes no other while this one lives.
                link.Session.Channel.Close(reason);
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

    /// <summary>A boundary: an error of ours costs the connection, and never the client.</summary>
    private async Task<OpcUaException> LiveOrBreakAsync(ServerLink link)
    {
        try
        {
            return await LiveAsync(link).ConfigureAwait(false);
        }
        catch (Exception error) when (!_ended.IsCancellationRequested)
        {
            Log.ConnectBroke(_log, Url, 0, error);
            return new OpcUaException(StatusCodes.BadInternalError, $"{Url}: an error of ours: {error.Message}", error);
        }
    }

    /// <summary>As long as a session is of use; returns why it is not any more.</summary>
    private async Task<OpcUaException> LiveAsync(ServerLink link)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        var publishing = _publisher.RunAsync(link, over.Token);
        var watching = WatchAsync(link, over.Token);
        var closed = link.Session.Channel.Closed;
        try
        {
            var first = await Task.WhenAny(closed, publishing, watching).WaitAsync(_ended.Token).ConfigureAwait(false);
            return await first.ConfigureAwait(false);
        }
        finally
        {
            // Whoever is called back is called no more after this.
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(Ended(publishing), Ended(watching)).ConfigureAwait(false);
        }
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
                var isSilent = link.Session.Channel.Silence >= link.KeepAlive(_options.KeepAlive);
                if (isSilent) await AskAsync(link, cancellationToken).ConfigureAwait(false);
                foreach (var subscription in _publisher.Subscriptions)
                {
                    // Added while the connection was being made.
                    if (subscription.Id == 0)
                    {
                        await subscription.CreateAsync(link, cancellationToken).ConfigureAwait(false);
                        _publisher.Wake();
                    }

                    if (subscription.Silence > subscription.MaxSilence && !_publisher.IsHandling)
                    {
                        await AskAsync(link, cancellationToken).ConfigureAwait(false);
                        // What was on its way has come with the answer.
                        if (subscription.Silence <= subscription.MaxSilence || _publisher.IsHandling) continue;
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
            new ReadRequest(new[] { new ReadNode(new NodeId(ServerStatusState)) }, 0), ReadRequest.Read, cancellationToken)
            .ConfigureAwait(false);
        if (values is [{ Value: var state }] && state.AsDouble() is 4 or 5)
        {
            throw new OpcUaException(StatusCodes.BadShutdown, $"{Url} says that it is shutting down");
        }
    }

    private async Task<ServerLink> ReconnectAsync()
    {
        var (recovery, lost) = (Recovery.SameSession, 0);
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
                // Without a channel nothing was tried that could have been too much. With one, a connection that is cut again and again at
                // the same step is an answer too.
                var isCut = error.Status.Code is StatusCodes.BadNotConnected or StatusCodes.BadConnectionClosed;
                pause = _backoff.Next(isAway: isCut || (channel is null && error.Status.Code == StatusCodes.BadTimeout));
                Log.ConnectFailed(_log, error.Message, pause.TotalSeconds);
                Move(_knownLink is null ? ConnectionState.Connecting : ConnectionState.Reconnecting, error.Message);
                // Whoever closes the connection may have another certificate by now.
                if (error.Status.Code != StatusCodes.BadNotConnected) _connector.Forget();
                if (channel is not null && (!isCut || ++lost >= CutsBeforeNext))
                {
                    lost = 0;
                    if (recovery < Recovery.NewSubscriptions) recovery++;
                }
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
        // A handler that waits must not hold up what is over.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ = channel.Closed.ContinueWith(
            static (_, source) => Cancel((CancellationTokenSource)source!), over, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            return await ResumeAsync(channel, recovery, over).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && channel.Closed.IsCompleted)
        {
            _link = null;
            var reason = await channel.Closed.ConfigureAwait(false);
            await channel.DisposeAsync().ConfigureAwait(false);
            throw new OpcUaException(reason.Status, reason.Message, reason);
        }
        catch
        {
            _link = null;
            await channel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The channel outlived the attempt, as it should.
            return;
        }
    }

    private async Task<ServerLink> ResumeAsync(SecureChannel channel, Recovery recovery, CancellationTokenSource over)
    {
        var cancellationToken = over.Token;
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
        try
        {
            var link = await ServerLink.OpenAsync(session, _options.MaxNodesPerCall, cancellationToken).ConfigureAwait(false);
            NoteSkew(link);
            if (_knownLink is { } known)
            {
                // Numbers of another life may be somebody else's subscriptions.
                keepSubscriptions &= known.StartTime == link.StartTime;
                if (!known.Namespaces.SequenceEqual(link.Namespaces))
                {
                    Log.NamespacesChanged(_log, Url);
                    keepSubscriptions = false;
                }
            }

            Structures.Forget();
            if (_session is { } old && !ReferenceEquals(old.Channel, channel)) await old.Channel.DisposeAsync().ConfigureAwait(false);
            (_session, _knownLink, _link) = (session, link, link);
            await _publisher.TransferAsync(link, keepSubscriptions, cancellationToken).ConfigureAwait(false);
            return link;
        }
        catch
        {
            // A server has few sessions: this one is given back.
            _session = null;
            await LeaveSessionAsync(session).ConfigureAwait(false);
            throw;
        }
    }

    private void NoteSkew(ServerLink link)
    {
        var skew = link.ServerTime - _clock.GetUtcNow().UtcDateTime;
        ClockSkew = link.ServerTime > DateTime.MinValue ? skew : TimeSpan.Zero;
        if (ClockSkew.Duration() > NotableSkew) Log.ClockSkew(_log, Url, ClockSkew);
    }
}
