using CsCheck;
using OeeOrleans.CommitProtocol;

namespace OeeOrleans.Grains.Tests;

public sealed class CommittedRecordsTests
{
    [Fact]
    public void Committed_records_are_the_union_of_what_was_added_whatever_the_order() =>
        Gen.ULong[1, 80].Array[0, 120].Select(Gen.ULong[1, 20]).Sample(
        (numbers, first) =>
        {
            var committed = new CommittedRecords();
            committed.Announce("q", first);
            foreach (var number in numbers) committed.Add(number);
            var all = numbers.ToHashSet();
            ulong mark = first - 1;
            while (all.Contains(mark + 1)) mark++;
            Assert.Equal(mark, committed.Mark);
            Assert.Equal(all.Any(n => n > mark), committed.HasHoles);
            foreach (var (a, b) in committed.Ranges.Zip(committed.Ranges.Skip(1))) Assert.True(a.To + 1 < b.From);
            committed.Announce("other", 1);
            Assert.Equal(0UL, committed.Mark);
        },
        iter: 500);
}
