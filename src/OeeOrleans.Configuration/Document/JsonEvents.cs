using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OeeOrleans.Configuration.Document;

/// <summary>
/// A JSON document as the events of a YAML one, so that the reader of files reads it without a text in between. Each node is on a line of
/// its own, which says which one is meant.
/// </summary>
internal sealed class JsonEvents(JsonObject root) : IParser
{
    private static readonly ParsingEvent[] Opening = [new StreamStart(), new DocumentStart(null, null, true)];
    private static readonly ParsingEvent[] Closing = [new DocumentEnd(true), new StreamEnd()];

    /// <summary>Of each line, from 1 on, where its node hangs: the line of what holds it, and by which name or place. Made a pointer only
    /// when somebody asks.</summary>
    private readonly List<(int Holder, string? Name, int Index)> _lines = [default];
    private readonly Stack<Frame> _open = [];
    private int _opened;
    private int _closed;

    public ParsingEvent? Current { get; private set; }

    /// <summary>JSON pointer (RFC 6901) of the node that is on a line, from 1 on; of what was parsed so far.</summary>
    public string PointerOf(long line)
    {
        if (line <= 1 || line >= _lines.Count) return "";
        var parts = new Stack<string>();
        for (var at = (int)line; at > 1; at = _lines[at].Holder)
        {
            var (_, name, index) = _lines[at];
            parts.Push(name is null ? index.ToString(CultureInfo.InvariantCulture) : YamlJson.Escape(name));
        }

        return "/" + string.Join('/', parts);
    }

    public bool MoveNext()
    {
        if (_opened < Opening.Length)
        {
            Current = Opening[_opened++];
            return true;
        }

        if (_opened == Opening.Length)
        {
            _opened++;
            Current = Begin(root, 0, null, 0);
            return true;
        }

        if (_open.TryPeek(out var frame))
        {
            Current = Next(frame);
            return true;
        }

        if (_closed == Closing.Length) return false;
        Current = Closing[_closed++];
        return true;
    }

    private ParsingEvent Next(Frame frame)
    {
        if (frame.Members is { } members)
        {
            if (frame.HasKey)
            {
                frame.HasKey = false;
                return Begin(members.Current.Value, frame.Line, members.Current.Key, 0);
            }

            if (members.MoveNext())
            {
                frame.HasKey = true;
                // A key is where its value is: that begins the next line.
                return Text(members.Current.Key, ScalarStyle.DoubleQuoted, _lines.Count, isKey: true);
            }

            _open.Pop();
            return new MappingEnd();
        }

        if (frame.At < frame.Items!.Count) return Begin(frame.Items[frame.At], frame.Line, null, frame.At++);
        _open.Pop();
        return new SequenceEnd();
    }

    private ParsingEvent Begin(JsonNode? node, int holder, string? name, int index)
    {
        var line = _lines.Count;
        _lines.Add((holder, name, index));
        var at = new Mark(0, line, 1);
        switch (node)
        {
            case JsonObject map:
                _open.Push(new Frame { Line = line, Members = map.GetEnumerator() });
                return new MappingStart(AnchorName.Empty, TagName.Empty, true, MappingStyle.Flow, at, at);
            case JsonArray list:
                _open.Push(new Frame { Line = line, Items = list });
                return new SequenceStart(AnchorName.Empty, TagName.Empty, true, SequenceStyle.Flow, at, at);
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                return Text(value.GetValue<string>(), ScalarStyle.DoubleQuoted, line, isKey: false);
            default:
                return Text(node?.ToJsonString() ?? "null", ScalarStyle.Plain, line, isKey: false);
        }
    }

    private static Scalar Text(string text, ScalarStyle style, int line, bool isKey)
    {
        var at = new Mark(0, line, 1);
        return new Scalar(AnchorName.Empty, TagName.Empty, text, style, true, true, at, at, isKey);
    }

    /// <summary>An object or array whose events are not over.</summary>
    private sealed class Frame
    {
        public required int Line { get; init; }

        public IEnumerator<KeyValuePair<string, JsonNode?>>? Members { get; init; }

        public JsonArray? Items { get; init; }

        public int At { get; set; }

        /// <summary>The name of the present member was told, and its value is next.</summary>
        public bool HasKey { get; set; }
    }
}
