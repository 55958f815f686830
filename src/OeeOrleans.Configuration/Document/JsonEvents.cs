using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OeeOrleans.Configuration.Document;

/// <summary>
/// A JSON document as the events of a YAML one, so that the reader of files reads it without a text in between. Each node is on a line of its
/// own, which says which one is meant.
/// </summary>
internal sealed class JsonEvents : IParser
{
    private readonly List<string> _pointers = [""];
    private readonly IEnumerator<ParsingEvent> _events;

    public JsonEvents(JsonObject root) => _events = Document(root).GetEnumerator();

    public ParsingEvent? Current { get; private set; }

    /// <summary>JSON pointer (RFC 6901) of the node that is on a line, from 1 on; what was parsed so far.</summary>
    public string PointerOf(long line) => line > 0 && line < _pointers.Count ? _pointers[(int)line] : "";

    public bool MoveNext()
    {
        if (!_events.MoveNext()) return false;
        Current = _events.Current;
        return true;
    }

    private IEnumerable<ParsingEvent> Document(JsonObject root)
    {
        yield return new StreamStart();
        yield return new DocumentStart(null, null, true);
        foreach (var next in Events(root, "")) yield return next;
        yield return new DocumentEnd(true);
        yield return new StreamEnd();
    }

    private IEnumerable<ParsingEvent> Events(JsonNode? node, string pointer)
    {
        _pointers.Add(pointer);
        var at = new Mark(0, _pointers.Count - 1, 1);
        switch (node)
        {
            case JsonObject map:
                yield return new MappingStart(AnchorName.Empty, TagName.Empty, true, MappingStyle.Flow, at, at);
                foreach (var (key, value) in map)
                {
                    // A key is where its value is: it begins the next line.
                    var next = new Mark(0, _pointers.Count, 1);
                    yield return new Scalar(AnchorName.Empty, TagName.Empty, key, ScalarStyle.DoubleQuoted, true, true, next, next, true);
                    foreach (var inner in Events(value, $"{pointer}/{YamlJson.Escape(key)}")) yield return inner;
                }

                yield return new MappingEnd();
                break;
            case JsonArray list:
                yield return new SequenceStart(AnchorName.Empty, TagName.Empty, true, SequenceStyle.Flow, at, at);
                for (var i = 0; i < list.Count; i++)
                {
                    foreach (var inner in Events(list[i], $"{pointer}/{i.ToString(CultureInfo.InvariantCulture)}")) yield return inner;
                }

                yield return new SequenceEnd();
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                var text = value.GetValue<string>();
                yield return new Scalar(AnchorName.Empty, TagName.Empty, text, ScalarStyle.DoubleQuoted, true, true, at, at, false);
                break;
            default:
                var plain = node?.ToJsonString() ?? "null";
                yield return new Scalar(AnchorName.Empty, TagName.Empty, plain, ScalarStyle.Plain, true, true, at, at, false);
                break;
        }
    }
}
