using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Configuration.Reading;

/// <summary>A mapping of the file, read key by key. Whatever is wrong is noted with its line and reading goes on, so that one run names
/// every mistake; keys nobody asked for are mistakes too.</summary>
internal sealed class YamlSection
{
    private readonly Problems _problems;
    private readonly YamlMappingNode? _node;
    private readonly long _line;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>What holds it, and where in that; made a path only when there is a problem.</summary>
    private readonly YamlSection? _holder;
    private readonly string _name;
    private readonly int? _index;

    public YamlSection(YamlNode? node, string path, Problems problems)
        : this(node, null, path, null, problems)
    {
    }

    private YamlSection(YamlNode? node, YamlSection? holder, string name, int? index, Problems problems)
    {
        (_holder, _name, _index, _problems) = (holder, name, index, problems);
        _node = node as YamlMappingNode;
        _line = node?.Start.Line ?? 1;
        if (node is not null && _node is null && !IsNull(node))
        {
            problems.Add(node.Start.Line, $"{Path} must be a mapping of keys to values");
        }
    }

    public string Path
    {
        get
        {
            var name = _index is { } index ? $"{_name}[{index}]" : _name;
            return _holder is null ? name : $"{_holder.Path}.{name}".TrimStart('.');
        }
    }

    public long Line => _line;

    public bool Exists => _node is not null;

    public Problems Problems => _problems;

    public bool Has(string key) => _node is not null && _node.Children.ContainsKey(new YamlScalarNode(key));

    public string? Text(string key, string? otherwise = null) => Scalar(key) is { } node ? node.Value : otherwise;

    public string Required(string key, string example)
    {
        if (Scalar(key) is { Value: { Length: > 0 } value }) return value;
        _problems.Add(_line, $"{Path}: '{key}' is missing; it is needed, such as {key}: {example}");
        return "";
    }

    /// <summary>The path of a file that is there.</summary>
    public string? ExistingFile(string key)
    {
        var path = Text(key);
        if (path is not null && !File.Exists(path)) _problems.Add(LineOf(key), $"{Path}.{key}: the file '{path}' does not exist");
        return path;
    }

    /// <summary>A secret: what `KEY_file` holds, or, where others may read the configuration, better not, what stands at `KEY`.</summary>
    public string? Secret(string key)
    {
        var (text, file) = (Text(key), Text($"{key}_file"));
        if (file is null) return text;
        if (text is not null) _problems.Add(LineOf(key), $"{Path}: {key} and {key}_file are both given; one of them is enough");
        return SecretIn(key, file);
    }

    /// <summary>What a file holds that stands at `KEY_file`.</summary>
    public string? SecretIn(string key, string file)
    {
        try
        {
            if (File.ReadAllText(file).Trim() is { Length: > 0 } secret) return secret;
            _problems.Add(LineOf($"{key}_file"), $"{Path}.{key}_file: '{file}' is empty");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _problems.Add(LineOf($"{key}_file"), $"{Path}.{key}_file: '{file}' cannot be read: {error.Message}");
        }

        return null;
    }

    public decimal? Number(string key, decimal min, decimal max)
    {
        if (Scalar(key) is not { } node) return null;
        if (node.Value is null or "" or "null" or "~") return null;
        if (!decimal.TryParse(node.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            _problems.Add(node.Start.Line, $"{Path}.{key}: '{node.Value}' is not a number");
            return null;
        }

        if (number >= min && number <= max) return number;
        _problems.Add(node.Start.Line, $"{Path}.{key}: {node.Value} is not between {min} and {max}");
        return null;
    }

    public int Integer(string key, int otherwise, int min, int max) => (int?)Number(key, min, max) ?? otherwise;

    public bool Flag(string key)
    {
        if (Scalar(key) is not { } node) return false;
        if (bool.TryParse(node.Value, out var flag)) return flag;
        _problems.Add(node.Start.Line, $"{Path}.{key}: '{node.Value}' is neither true nor false");
        return false;
    }

    public T Choice<T>(string key, T otherwise, params (string Name, T Value)[] choices)
    {
        if (Scalar(key) is not { } node) return otherwise;
        foreach (var (name, value) in choices)
        {
            if (name == node.Value) return value;
        }

        _problems.Add(
            node.Start.Line, $"{Path}.{key}: '{node.Value}' is unknown; {string.Join(", ", choices.Select(c => c.Name))} are possible");
        return otherwise;
    }

    public YamlSection Section(string key) => new(Node(key), this, key, null, _problems);

    /// <summary>The entries of a list of mappings.</summary>
    public IEnumerable<YamlSection> Sections(string key)
    {
        var items = Items(key).ToList();
        for (var i = 0; i < items.Count; i++) yield return new YamlSection(items[i], this, key, i, _problems);
    }

    public IEnumerable<YamlNode> Items(string key)
    {
        var node = Node(key);
        if (node is null || IsNull(node)) return [];
        if (node is YamlSequenceNode list) return list.Children;
        _problems.Add(node.Start.Line, $"{Path}.{key} must be a list");
        return [];
    }

    /// <summary>The entries of a mapping with free keys.</summary>
    public IEnumerable<(string Key, YamlNode Value)> Entries(string key)
    {
        var node = Node(key);
        if (node is null || IsNull(node)) return [];
        if (node is YamlMappingNode map) return map.Children.Select(c => (((YamlScalarNode)c.Key).Value ?? "", c.Value));
        _problems.Add(node.Start.Line, $"{Path}.{key} must be a mapping of keys to values");
        return [];
    }

    public long LineOf(string key) => Node(key)?.Start.Line ?? _line;

    /// <summary>Every key that was not asked for is unknown.</summary>
    public void Close()
    {
        if (_node is null) return;
        foreach (var (key, _) in _node.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? "";
            if (_asked.Contains(name)) continue;
            var near = _asked.OrderBy(a => Distance(a, name)).FirstOrDefault();
            var hint = near is not null && Distance(near, name) <= 2 ? $"; did you mean '{near}'?" : "";
            _problems.Add(key.Start.Line, $"{(Path.Length > 0 ? Path + ": " : "")}unknown key '{name}'{hint}");
        }
    }

    /// <summary>By YAML's core schema; in quotes it is a text.</summary>
    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    private YamlNode? Node(string key)
    {
        _asked.Add(key);
        return _node is not null && _node.Children.TryGetValue(new YamlScalarNode(key), out var node) ? node : null;
    }

    private YamlScalarNode? Scalar(string key)
    {
        var node = Node(key);
        // What is null is as good as left out.
        if (node is null || IsNull(node)) return null;
        if (node is YamlScalarNode scalar) return scalar;
        _problems.Add(node.Start.Line, $"{Path}.{key} must be a single value");
        return null;
    }

    /// <summary>Levenshtein distance, for the hint.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
