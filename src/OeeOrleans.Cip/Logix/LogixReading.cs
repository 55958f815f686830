using System.Buffers;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Logix;

/// <summary>Reads tags: packed where they fit together, in fragments where one alone does not fit.</summary>
internal sealed class LogixReading : CipReading
{
    /// <summary>Changes of the program during one reading, after which tags are read by name.</summary>
    private const int MostMoves = 2;

    /// <summary>Fragments of one tag at most.</summary>
    private const int MostFragments = 40_000;

    private readonly CipClient _client;
    private readonly CipTagAddress[] _addresses;
    private readonly LogixItem[] _itemOf;
    private readonly List<LogixItem> _items = [];
    private readonly List<LogixItem> _left = [];

    /// <summary>Alone, and larger than an answer.</summary>
    private readonly List<LogixItem> _large = [];

    /// <summary>Their paths do not fit into a message.</summary>
    private readonly List<LogixItem> _tooLong = [];
    private readonly CipMessage _message = new(1_024);
    private List<LogixBatch> _batches = [];
    private bool _isDirty = true;
    private bool _isPlaced;
    private bool _isGuarded;

    /// <summary>The controller's counters when the tags' numbers were found.</summary>
    private byte[] _guard = [];

    public LogixReading(CipClient client, IReadOnlyList<CipAddress> addresses)
    {
        _client = client;
        _addresses = [.. addresses.Cast<CipTagAddress>()];
        _itemOf = new LogixItem[_addresses.Length];
        var known = new Dictionary<string, LogixItem>(StringComparer.Ordinal);
        for (var i = 0; i < _addresses.Length; i++)
        {
            // Bits of one word are read once; whether an index counts BOOLs or words is another matter for each.
            var isBitOfElement = _addresses[i] is { Bit: not null, LastIndex: not null };
            var key = $"{Convert.ToHexString(_addresses[i].Path)}/{_addresses[i].Count}/{isBitOfElement}";
            if (!known.TryGetValue(key, out var item))
            {
                item = new LogixItem(_addresses[i], client.IsLogix);
                known.Add(key, item);
                _items.Add(item);
            }

            _itemOf[i] = item;
        }
    }

    public bool IsByNumber => _isGuarded;

    /// <summary>Of a reading of one tag.</summary>
    public LogixItem Only => _items[0];

    public override int RequestCount => _batches.Count + _large.Count;

    public override CipStatus StatusOf(int index) => _itemOf[index].Status;

    public override CipType? TypeOf(int index) =>
        _addresses[index].Bit is not null || _itemOf[index].IsBits ? CipType.Bool : _itemOf[index].Type;

    public override ReadOnlySpan<byte> BytesOf(int index) => _itemOf[index].Bytes;

    public override object Decode(int index) => _itemOf[index].Decode(_addresses[index].Bit);

    public override void Forget()
    {
        foreach (var item in _items) item.Forget();
    }

    public override async ValueTask ReadAsync(CancellationToken cancellationToken)
    {
        if (!_isPlaced) await PlaceAsync(cancellationToken).ConfigureAwait(false);
        for (var attempt = 0; ; attempt++)
        {
            foreach (var item in _items) item.Begin();
            if (_isDirty) Build();
            var outcome = await ReadBatchesAsync(cancellationToken).ConfigureAwait(false);
            if (outcome == Outcome.Taken) break;
            _isDirty = true;
            if (outcome == Outcome.Moved)
            {
                // The program was changed: numbers are others now, and so may be structures. By name, if that goes on.
                await _client.ForgetTagsAsync(cancellationToken).ConfigureAwait(false);
                if (attempt < MostMoves) await PlaceAsync(cancellationToken).ConfigureAwait(false);
                else ByName();
                // The next reading tries again.
                _isPlaced &= attempt < MostMoves;
            }
            else if (_isGuarded)
            {
                ByName();
            }
        }

        // They may be asked for otherwise from now on, whatever becomes of them here.
        _isDirty |= _left.Count > 0;
        foreach (var item in _left) await ReadAloneAsync(item, cancellationToken).ConfigureAwait(false);
        foreach (var item in _tooLong) item.Refuse(CipStatus.TooLong);
        foreach (var item in _large) await ReadAloneAsync(item, cancellationToken).ConfigureAwait(false);
        foreach (var item in _items)
        {
            if (!item.Status.IsGood || item.Type is not { IsStructure: true, Template: null }) continue;
            await AddTemplateAsync(item, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Build()
    {
        var size = _client.Link.MessageSize;
        _tooLong.Clear();
        _tooLong.AddRange(_items.Where(i => LogixBatch.SmallestRequest + i.SymbolicPath.Length > size));
        _large.Clear();
        _large.AddRange(_items.Except(_tooLong).Where(i => i.AnswerLength + CipReply.Head > size));
        _batches = LogixBatch.Build(_items.Except(_large).Except(_tooLong), size, _client.TakesMultiple, _isGuarded);
        _isDirty = false;
    }

    /// <summary>Finds the tags' numbers.</summary>
    private async ValueTask PlaceAsync(CancellationToken cancellationToken)
    {
        ByName();
        if (!_client.Options.ByNumber || !_client.IsLogix || !_client.TakesMultiple)
        {
            _isPlaced = true;
            return;
        }

        try
        {
            var (counters, numbers) = await _client.Tags.NumbersAsync(_items.Select(i => i.Address), cancellationToken)
                .ConfigureAwait(false);
            _isPlaced = true;
            // Without counters nobody knows whether the numbers are still right.
            if (counters is null || numbers.Count == 0) return;
            foreach (var item in _items)
            {
                if (numbers.TryGetValue(item.Address, out var number)) item.ByNumber = TagTable.PathTo(item.Address.Program, number);
            }

            (_isGuarded, _guard, _isDirty) = (true, counters, true);
        }
        catch (CipException error) when (error.Failure == CipFailure.Refused)
        {
            // It has no list of tags.
            _isPlaced = true;
            return;
        }
    }

    private void ByName()
    {
        foreach (var item in _items) item.ByNumber = null;
        (_isGuarded, _isDirty) = (false, true);
    }

    private async ValueTask<Outcome> ReadBatchesAsync(CancellationToken cancellationToken)
    {
        _left.Clear();
        var count = _batches.Count;
        var answers = ArrayPool<ValueTask<CipAnswer>>.Shared.Rent(count);
        var (sent, failure, worst) = (0, (Exception?)null, Outcome.Taken);
        try
        {
            for (; sent < count; sent++)
            {
                answers[sent] = await _client.Link.SendAsync(_batches[sent].Message, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is CipException or OperationCanceledException)
        {
            failure = error;
        }

        // Every answer is taken, also after a failure: each holds a buffer.
        for (var i = 0; i < sent; i++)
        {
            try
            {
                using var answer = await answers[i].ConfigureAwait(false);
                var outcome = Take(_batches[i], answer.Reply);
                if (outcome > worst) worst = outcome;
            }
            catch (CipException error)
            {
                failure ??= error;
            }
        }

        ArrayPool<ValueTask<CipAnswer>>.Shared.Return(answers, clearArray: true);
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return worst;
    }

    private Outcome Take(LogixBatch batch, in CipReply reply)
    {
        if (!batch.IsMultiple)
        {
            Take(batch.Items[0], reply);
            return Outcome.Taken;
        }

        if (reply.Status.General == CipStatus.NotSupported)
        {
            _client.TakesMultiple = false;
            return Outcome.TakesOne;
        }

        // All of them failed together: the answer was too large, or one lies.
        if (reply.Status.General is not (0 or CipStatus.EmbeddedError))
        {
            _left.AddRange(batch.Items);
            _isDirty = true;
            return Outcome.Taken;
        }

        _client.Link.Widen();
        var guard = batch.IsGuarded ? LogixBatch.AnswerOf(reply.Data, 0) : [];
        var isMoved = batch.IsGuarded && (guard.Length == 0 || !new CipReply(guard).Data.SequenceEqual(_guard));
        if (isMoved) return Outcome.Moved;
        for (var i = 0; i < batch.Items.Count; i++)
        {
            var answer = LogixBatch.AnswerOf(reply.Data, i + (batch.IsGuarded ? 1 : 0));
            if (answer.Length == 0) throw _client.Link.Distrust($"answers {batch.Items.Count} packed requests with fewer");
            if (answer[0] != (Eip.ReadTag | Eip.Reply)) throw _client.Link.Distrust($"answers a reading with service 0x{answer[0]:X2}");
            Take(batch.Items[i], new CipReply(answer));
        }

        return Outcome.Taken;
    }

    private void Take(LogixItem item, in CipReply reply)
    {
        var (before, wasKnown) = (item.AnswerLength, item.IsKnown);
        if (item.Take(reply) != LogixNext.Nothing) _left.Add(item);
        _isDirty |= item.AnswerLength != before || item.IsKnown != wasKnown;
    }

    /// <summary>Its answer in fragments, until it is whole; or after it was understood what it is.</summary>
    private async ValueTask ReadAloneAsync(LogixItem item, CancellationToken cancellationToken)
    {
        var next = item.Offset > 0 ? LogixNext.More : LogixNext.Again;
        // Each round brings bytes, or is one of the few that begin anew.
        var restarts = 0;
        for (var fragments = 0; next != LogixNext.Nothing; fragments++)
        {
            if (fragments > MostFragments) throw _client.Link.Distrust($"sends {item.Address} in more than {MostFragments} fragments");
            if (next == LogixNext.Again && (++restarts > 4 || !await AskAgainAsync(item, cancellationToken).ConfigureAwait(false))) return;
            _message.Clear();
            // By name: nothing says between two fragments that its number is the same still.
            if (item.Offset == 0) _message.Service(Eip.ReadTag, item.SymbolicPath).Word(item.Elements);
            else _message.Service(Eip.ReadFragmented, item.SymbolicPath).Word(item.Elements).Long((uint)item.Offset);
            using var answer = await _client.Link.CallAsync(_message.Memory, cancellationToken).ConfigureAwait(false);
            var (before, wasKnown) = (item.AnswerLength, item.IsKnown);
            next = item.Take(answer.Reply);
            _isDirty |= item.AnswerLength != before || item.IsKnown != wasKnown;
        }
    }

    /// <summary>What an array's elements are is asked for at its beginning.</summary>
    private async ValueTask<bool> AskAgainAsync(LogixItem item, CancellationToken cancellationToken)
    {
        if (!item.IsProbing) return true;
        _message.Clear().Service(Eip.ReadTag, item.Address.PathOfArray).Word(1);
        using var answer = await _client.Link.CallAsync(_message.Memory, cancellationToken).ConfigureAwait(false);
        item.IsProbing = false;
        return item.TakeProbe(answer.Reply) == LogixNext.Again;
    }

    private async ValueTask AddTemplateAsync(LogixItem item, CancellationToken cancellationToken)
    {
        if (item.Type!.Handle == CipType.StringHandle) return;
        var template = await _client.Templates.FindAsync(item.Address, item.Type.Handle, cancellationToken).ConfigureAwait(false);
        if (template is not null) item.SetTemplate(template);
    }

    /// <summary>What became of all batches; the worst counts.</summary>
    private enum Outcome
    {
        Taken,

        /// <summary>The controller takes no packed requests.</summary>
        TakesOne,

        /// <summary>Its program was changed: numbers may be those of other tags.</summary>
        Moved,
    }
}
