using System.Collections.Concurrent;

namespace OeeOrleans.Cip.Simulation;

/// <summary>A tag of a simulated controller.</summary>
internal sealed class SimulatedTag(string name, CipType type, IReadOnlyList<int> dimensions, int elementSize)
{
    public string Name { get; } = name;

    public CipType Type { get; } = type;

    public IReadOnlyList<int> Dimensions { get; } = dimensions;

    public int ElementSize { get; } = elementSize;

    public int Elements { get; } = dimensions.Aggregate(1, (all, one) => all * one);

    public byte[] Bytes { get; } = new byte[dimensions.Aggregate(1, (all, one) => all * one) * elementSize];

    public uint Instance { get; set; }

    /// <summary>Of a tag of a program; empty: of the controller.</summary>
    public string Program { get; } = name.StartsWith("Program:", StringComparison.OrdinalIgnoreCase) ? name.Split('.')[0] : "";

    public string ShortName => Program.Length == 0 ? Name : Name[(Program.Length + 1)..];
}

/// <summary>A data file of a simulated PCCC controller.</summary>
internal sealed record SimulatedFile(PcccFileType Type, int Number, byte[] Bytes);

/// <summary>Tags, templates and files; read and written under one lock, as in the gap between two scans.</summary>
internal sealed class ControllerMemory
{
    private readonly ConcurrentDictionary<string, SimulatedTag> _tags = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<uint, SimulatedTag> _byInstance = new();
    private readonly ConcurrentDictionary<int, SimulatedFile> _files = new();
    private readonly ConcurrentDictionary<ushort, CipTemplate> _templates = new();
    private uint _nextInstance = 1;
    private ushort _nextTemplate = 0x100;

    public Lock Lock { get; } = new();

    /// <summary>Changes with every change of the program, as the controller's counters do.</summary>
    public uint Edits { get; private set; } = 1;

    public ICollection<SimulatedTag> Tags => _tags.Values;

    public IReadOnlyDictionary<ushort, CipTemplate> Templates => _templates;

    public SimulatedTag? Find(string name) => _tags.GetValueOrDefault(name);

    public SimulatedTag? Find(uint instance) => _byInstance.GetValueOrDefault(instance);

    public SimulatedFile? File(int number) => _files.GetValueOrDefault(number);

    public void Add(SimulatedTag tag)
    {
        lock (Lock)
        {
            tag.Instance = _nextInstance++;
            _tags[tag.Name] = tag;
            _byInstance[tag.Instance] = tag;
            Edits++;
        }
    }

    public void Remove(string name)
    {
        lock (Lock)
        {
            if (_tags.TryRemove(name, out var tag)) _byInstance.TryRemove(tag.Instance, out _);
            Edits++;
        }
    }

    public void Add(SimulatedFile file) => _files[file.Number] = file;

    public ushort TemplateId(CipTemplate template)
    {
        lock (Lock)
        {
            foreach (var (id, known) in _templates)
            {
                if (known.Handle == template.Handle) return id;
            }

            _templates[_nextTemplate] = template;
            return _nextTemplate++;
        }
    }

    /// <summary>A download: every tag has another number.</summary>
    public void Renumber()
    {
        lock (Lock)
        {
            var tags = _tags.Values.OrderByDescending(t => t.Instance).ToList();
            _nextInstance += 7;
            _byInstance.Clear();
            foreach (var tag in tags)
            {
                tag.Instance = _nextInstance++;
                _byInstance[tag.Instance] = tag;
            }

            Edits++;
        }
    }
}
