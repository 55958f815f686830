using Microsoft.Extensions.Logging;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Machines;

/// <summary>Why a machine comes to life; the smaller, the sooner.</summary>
internal enum Urgency
{
    /// <summary>Somebody waits for it.</summary>
    Asked,

    /// <summary>It says something.</summary>
    Heard,

    /// <summary>It is silent, and the keeper looks after it.</summary>
    Looked,
}

/// <summary>
/// Lets machines of this silo come to life at the rate at which the store can serve them: so many read at the same time, all others wait
/// for their turn, the more urgent ones first and in the order of asking. While the store is away one machine a second tries. Safe for
/// concurrent use.
/// </summary>
internal sealed class MachineAdmission : IDisposable
{
    /// <summary>Machines that read at the same time; the store asks for them together.</summary>
    public const int AtOnce = 500;

    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TryEvery = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _clock;
    private readonly ILogger<MachineAdmission> _log;
    private readonly ITimer _again;
    private readonly Lock _lock = new();
    private readonly Queue<Turn>[] _waiting = [new(), new(), new()];
    private int _reading;
    private int _count;
    private int _failed;
    private long? _saidAt;

    /// <summary>When the store was away last; null once a machine was read since.</summary>
    private long? _awayAt;
    private string? _why;

    public MachineAdmission(TimeProvider clock, ILogger<MachineAdmission> log)
    {
        (_clock, _log) = (clock, log);
        _again = clock.CreateTimer(_ => Admit(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why the store was away when a machine was read last; null when it was not.</summary>
    public string? Away
    {
        get
        {
            lock (_lock) return _awayAt is null ? null : _why;
        }
    }

    /// <summary>A turn to read; to be given back by <see cref="Leave"/> when it was entered.</summary>
    public Turn Queue(Urgency urgency)
    {
        var turn = new Turn(this, urgency);
        lock (_lock)
        {
            _count++;
            _waiting[(int)urgency].Enqueue(turn);
        }

        Admit();
        return turn;
    }

    /// <param name="opened">The machine was read.</param>
    public void Leave(bool opened)
    {
        lock (_lock)
        {
            _reading--;
            if (opened) _awayAt = null;
        }

        Admit();
    }

    public void Dispose() => _again.Dispose();

    /// <summary>A machine could not be read. Said now and then for all of them: a store that is away fails ten thousand.</summary>
    public void NoteFailure(string machine, Exception error, Exception? bug)
    {
        GrainMetrics.OpeningFailures.Inc();
        int failed;
        lock (_lock)
        {
            if (error is StoreUnavailableException)
            {
                (_awayAt, _why) = (_clock.GetTimestamp(), error.Message);
                _again.Change(TryEvery, Timeout.InfiniteTimeSpan);
            }

            failed = ++_failed;
            if (_saidAt is { } at && _clock.GetElapsedTime(at) < SayEvery) return;
            (_saidAt, _failed) = (_clock.GetTimestamp(), 0);
        }

        Log.NotOpened(_log, machine, failed, error.Message, bug);
    }

    private void Urge(Turn turn, Urgency urgency)
    {
        lock (_lock)
        {
            if (turn.Entered.IsCompleted || turn.Urgency <= urgency) return;
            turn.Urgency = urgency;
            // It stays where it was as well, and is passed over there.
            _waiting[(int)urgency].Enqueue(turn);
        }
    }

    private void Admit()
    {
        lock (_lock)
        {
            while (_reading < Limit && Next() is { } turn)
            {
                _count--;
                _reading++;
                turn.Enter();
            }

            GrainMetrics.OpeningsWaiting.Set(_count);
            GrainMetrics.OpeningsRunning.Set(_reading);
        }
    }

    private int Limit
    {
        get
        {
            if (_awayAt is not { } at) return AtOnce;
            return _clock.GetElapsedTime(at) >= TryEvery ? 1 : 0;
        }
    }

    private Turn? Next()
    {
        foreach (var queue in _waiting)
        {
            while (queue.TryDequeue(out var turn))
            {
                if (!turn.Entered.IsCompleted) return turn;
            }
        }

        return null;
    }

    /// <summary>A place in the line.</summary>
    internal sealed class Turn(MachineAdmission admission, Urgency urgency)
    {
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Urgency Urgency { get; set; } = urgency;

        public Task Entered => _entered.Task;

        /// <summary>It has become more urgent.</summary>
        public void Urge(Urgency urgency) => admission.Urge(this, urgency);

        internal void Enter() => _entered.TrySetResult();
    }
}
