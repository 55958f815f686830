using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql.Reads;

/// <summary>
/// Questions of one kind that many ask at once (ten thousand machines that come to life) go to the database together: while one statement
/// is under way, the next one fills; whoever asks alone waits for nobody. An error that is not the store's absence is looked for among the
/// questions: only who provokes it hears of it. Safe for concurrent use.
/// </summary>
/// <param name="kind">Of what, for the metrics.</param>
/// <param name="ask">Answers in the order of the questions.</param>
internal sealed class Coalescer<TKey, TAnswer>(string kind, Func<IReadOnlyList<TKey>, Task<IReadOnlyList<TAnswer>>> ask)
{
    /// <summary>Questions that wait; every grain asks one at a time, so it takes more grains than a silo holds.</summary>
    private const int Capacity = 200_000;

    private const double MaxBudget = 1e9;

    private readonly Lock _lock = new();
    private readonly Queue<(TKey Key, TaskCompletionSource<TAnswer> Answer)> _waiting = new();
    private int _running;
    private double _budget = 16;

    /// <summary>Questions of the next statement at most; fewer after one that failed.</summary>
    private int? _most;

    /// <summary>Statements of this kind under way at the same time.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>Questions of one statement at most.</summary>
    public int MaxKeys { get; init; } = 500;

    /// <summary>How much a question asks for, in whatever unit; null: questions are alike.</summary>
    public Func<TKey, double>? WeightOf { get; init; }

    /// <summary>Objects of an answer; with <see cref="WeightOf"/> it decides how much the next statement may ask for.</summary>
    public Func<TAnswer, int>? SizeOf { get; init; }

    /// <summary>More objects than this in one answer are too many; with fewer than a tenth of them more may be asked for.</summary>
    public int ManyObjects { get; init; } = 200_000;

    /// <exception cref="StoreUnavailableException">The store is away, or too many questions wait for it.</exception>
    public Task<TAnswer> AskAsync(TKey key, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool begin;
        lock (_lock)
        {
            if (_waiting.Count >= Capacity) throw new StoreUnavailableException($"{Capacity} questions for {kind} wait for the store");
            _waiting.Enqueue((key, answer));
            begin = _running < Lanes;
            if (begin) _running++;
        }

        // Beside whoever asks: an answer is for many.
        if (begin) _ = Task.Run(DrainAsync, CancellationToken.None);
        return answer.Task.WaitAsync(cancellationToken);
    }

    private async Task DrainAsync()
    {
        while (Next() is { } batch) await AnswerAsync(batch);
    }

    private List<(TKey Key, TaskCompletionSource<TAnswer> Answer)>? Next()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _running--;
                return null;
            }

            var most = _most ?? MaxKeys;
            var batch = new List<(TKey, TaskCompletionSource<TAnswer>)>(Math.Min(most, _waiting.Count));
            var weight = 0.0;
            while (batch.Count < most && _waiting.TryPeek(out var next))
            {
                weight += WeightOf?.Invoke(next.Key) ?? 0;
                if (batch.Count > 0 && weight > _budget) break;
                batch.Add(_waiting.Dequeue());
            }

            return batch;
        }
    }

    private async Task AnswerAsync(List<(TKey Key, TaskCompletionSource<TAnswer> Answer)> batch)
    {
        try
        {
            var answers = await ask([.. batch.Select(b => b.Key)]);
            StorageMetrics.Reads.WithLabels(kind).Inc();
            StorageMetrics.ReadKeys.WithLabels(kind).Inc(batch.Count);
            Adapt(batch, answers);
            lock (_lock) _most = _most * 2 >= MaxKeys ? null : _most * 2;
            for (var i = 0; i < batch.Count; i++) batch[i].Answer.TrySetResult(answers[i]);
        }
        catch (Exception error) when (error is StoreUnavailableException || batch.Count == 1)
        {
            // It may have been too much at once; who asks again asks for less.
            lock (_lock) (_budget, _most) = (Math.Max(1, _budget / 2), batch.Count > 1 ? batch.Count / 2 : _most);
            foreach (var (_, answer) in batch) answer.TrySetException(error);
        }
        catch (Exception)
        {
            // Of whom it is, the one that asks alone is told.
            foreach (var one in batch) await AnswerAsync([one]);
        }
    }

    private void Adapt(List<(TKey Key, TaskCompletionSource<TAnswer> Answer)> batch, IReadOnlyList<TAnswer> answers)
    {
        if (WeightOf is null || SizeOf is null) return;
        var (size, weight) = (answers.Sum(a => (long)SizeOf(a)), batch.Sum(b => WeightOf(b.Key)));
        lock (_lock)
        {
            if (size > ManyObjects) _budget = Math.Max(1, Math.Min(_budget, weight / 2));
            else if (size < ManyObjects / 10 && weight > _budget / 2) _budget = Math.Min(MaxBudget, _budget * 4);
        }
    }
}
