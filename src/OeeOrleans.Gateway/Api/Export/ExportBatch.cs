namespace OeeOrleans.Gateway.Api.Export;

/// <summary>What a column holds; each may be null.</summary>
internal enum ExportType
{
    /// <summary>Microseconds since 1970 UTC.</summary>
    Time,
    Text,
    Number,
    Integer,
}

/// <summary>A column of an export.</summary>
internal sealed record ExportColumn(string Name, ExportType Type);

/// <summary>Rows of an export, column by column. Filled row by row, cell by cell in the order of the columns; used again and
/// again.</summary>
internal sealed class ExportBatch(IReadOnlyList<ExportColumn> columns)
{
    /// <summary>Rows of a batch: what is in memory at a time.</summary>
    public const int Capacity = 20_000;

    /// <summary>Of all its texts together.</summary>
    private const int MaxCharacters = 4 << 20;

    private readonly List<string?>[] _texts = [.. columns.Select(c => c.Type == ExportType.Text ? new List<string?>() : [])];
    private readonly List<long?>[] _integers = [.. columns.Select(_ => new List<long?>())];
    private readonly List<double?>[] _numbers = [.. columns.Select(_ => new List<double?>())];
    private int _column;
    private long _characters;

    public IReadOnlyList<ExportColumn> Columns => columns;

    /// <summary>Whole rows.</summary>
    public int Count { get; private set; }

    public bool IsFull => Count >= Capacity || _characters >= MaxCharacters;

    public IReadOnlyList<string?> Texts(int column) => _texts[column];

    /// <summary>Integers, or times in microseconds.</summary>
    public IReadOnlyList<long?> Integers(int column) => _integers[column];

    public IReadOnlyList<double?> Numbers(int column) => _numbers[column];

    public ExportBatch Add(string? text)
    {
        _texts[_column].Add(text);
        _characters += text?.Length ?? 0;
        return Next();
    }

    public ExportBatch Add(long? integer)
    {
        _integers[_column].Add(integer);
        return Next();
    }

    /// <summary>What is no finite number is none.</summary>
    public ExportBatch Add(double? number)
    {
        _numbers[_column].Add(number is { } value && double.IsFinite(value) ? value : null);
        return Next();
    }

    public void Clear()
    {
        foreach (var list in _texts) list.Clear();
        foreach (var list in _integers) list.Clear();
        foreach (var list in _numbers) list.Clear();
        (Count, _characters) = (0, 0);
    }

    private ExportBatch Next()
    {
        if (++_column < columns.Count) return this;
        _column = 0;
        Count++;
        return this;
    }
}
