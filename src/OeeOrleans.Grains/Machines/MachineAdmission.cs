using Microsoft.Extensions.Logging;

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
/// Lets machines of this silo come to life at the rate at which the store can serve them: so many read at the same time, all others wait for
/// their turn, the more urgent ones first and in the order of asking. Safe for concurrent use.
/// </summary>
internal sealed class MachineAdmission(TimeProvider clock, ILogger<MachineAdmission> log)
{
    /// <summary>Machines that read at the same time; the store asks for them together.</summary>
    public const int AtOnce = 500;

    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Queue<Turn>[] _waiting = [new(), new(), new()];
    private int _reading;
    private int _count;
    private int _failed;
    private long? _saidAt;

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

    public void Leave()
    {
        lock (_lock) _reading--;
        Admit();
    }

    /// <summary>A machine could not be read. Said now and then for all of them: a store that is away fails ten thousand.</summary>
    public void NoteFailure(string machine, Exception error, Exception? bug)
    {
        GrainMetrics.OpeningFailures.Inc();
        int failed;
        lock (_lock)
        {
            failed = ++_failed;
            if (_saidAt is { } at && clock.GetElapsedTime(at) < SayEvery) return;
            (_saidAt, _failed) = (clock.GetTimestamp(), 0);
        }

        Log.NotOpened(log, machine, failed, error.Message, bug);
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
            while (_reading < AtOnce && Next() is { } turn)
            {
                _count--;
                _reading++;
                turn.Enter();
            }

            GrainMetrics.OpeningsWaiting.Set(_count);
            GrainMetrics.OpeningsRunning.Set(_reading);
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
