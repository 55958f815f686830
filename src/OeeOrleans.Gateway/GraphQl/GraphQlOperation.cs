using GraphQL;
using Microsoft.Extensions.DependencyInjection;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>One operation of a connection: a subscription with its results, or a question with its one answer.</summary>
internal sealed class GraphQlOperation(string id, GraphQlSocket connection, CancellationToken ended)
    : IObserver<ExecutionResult>, IDisposable
{
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(ended);
    private readonly Lock _lock = new();
    private readonly List<IDisposable> _owned = [];
    private bool _isOver;

    /// <summary>What ends with the operation; at once when that is over already.</summary>
    public void Owns(IDisposable owned)
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                _owned.Add(owned);
                return;
            }
        }

        owned.Dispose();
    }

    public async Task RunAsync(Func<CancellationToken, Task<ExecutionResult>> ask)
    {
        // Taken before anybody may have ended it.
        var token = _stop.Token;
        // The connection's reader goes on meanwhile.
        await Task.Yield();
        try
        {
            var result = await ask(token);
            if (result.Streams is { Count: > 0 } streams)
            {
                Owns(streams.Values.Single().Subscribe(this));
                return;
            }

            if (!result.Executed) connection.Give(new { id, type = "error", payload = result.Errors });
            else
            {
                connection.Give(new { id, type = "next", payload = result });
                connection.Give(new { id, type = "complete" });
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for the answer any more.
            return;
        }
        catch (Exception error)
        {
            // A boundary: one operation that fails by an error of ours ends, and the others go on.
            connection.Failed(error);
            OnError(error);
            return;
        }

        connection.Forget(id, this);
    }

    public void OnNext(ExecutionResult value) => connection.Give(new { id, type = "next", payload = value });

    public void OnError(Exception error)
    {
        var isTold = error is LiveEndedException or ExecutionError;
        var message = isTold ? error.Message : "the subscription ended by an error; the log says why";
        connection.Give(new { id, type = "error", payload = new[] { new { message } } });
        connection.Forget(id, this);
    }

    public void OnCompleted()
    {
        connection.Give(new { id, type = "complete" });
        connection.Forget(id, this);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_isOver) return;
            _isOver = true;
        }

        _stop.Cancel();
        foreach (var owned in _owned) owned.Dispose();
        _stop.Dispose();
    }
}
