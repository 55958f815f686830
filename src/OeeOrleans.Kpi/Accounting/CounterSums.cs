using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Accounting;

/// <summary>
/// Sums of the three counters over cells. Two of them give the third; with all three good and reject win (specification section 3).
/// </summary>
internal struct CounterSums
{
    private CounterTally _good;
    private CounterTally _reject;
    private CounterTally _total;

    public void Add(Cell cell)
    {
        Add(ref _good, cell.Good);
        Add(ref _reject, cell.Reject);
        Add(ref _total, cell.Total);
    }

    public readonly OeeSums Combine(in OeeSums times, bool hasGood, bool hasReject, bool hasTotal)
    {
        CounterTally good, total;
        if (hasGood && hasReject)
        {
            good = _good;
            total = CounterTally.Plus(_good, _reject, 1);
        }
        else if (hasTotal && hasReject)
        {
            total = _total;
            good = CounterTally.Plus(_total, _reject, -1);
        }
        else
        {
            good = hasGood ? _good : _total;
            total = hasTotal ? _total : _good;
        }

        return times with
        {
            Good = good.Delta,
            Total = total.Delta,
            Reject = hasGood || hasTotal ? total.Delta - good.Delta : _reject.Delta,
            GapGood = good.Gap,
            GapTotal = total.Gap,
            IdealGoodS = good.IdealS,
            IdealTotalS = total.IdealS,
            NoIdealTotal = total.NoIdeal,
            CounterJumps = _good.Jumps + _reject.Jumps + _total.Jumps,
        };
    }

    private static void Add(ref CounterTally sum, in CounterTally part) => sum = CounterTally.Plus(sum, part, 1);
}
