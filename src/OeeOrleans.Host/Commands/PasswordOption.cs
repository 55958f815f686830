using System.CommandLine;

namespace OeeOrleans.Host.Commands;

/// <summary>
/// `--password-file FILE`, or `--password TEXT`, which everybody on this machine sees in the list of processes while the command runs.
/// </summary>
internal sealed class PasswordOption
{
    private readonly Option<string?> _text;
    private readonly Option<FileInfo> _file;

    /// <param name="whose">Such as "password at the broker".</param>
    public PasswordOption(string whose)
    {
        _text = new Option<string?>("--password") { Description = whose + "; others on this machine see it, so better:" };
        _file = new Option<FileInfo>("--password-file") { Description = "a file that holds the " + whose };
        _file.AcceptExistingOnly();
        _file.Validators.Add(r =>
        {
            if (r.GetResult(_text) is not null) r.AddError("give either --password or --password-file");
        });
    }

    public IReadOnlyList<Option> All => [_text, _file];

    /// <exception cref="IOException">The file cannot be read.</exception>
    public string? Read(ParseResult parsed) =>
        parsed.GetValue(_file) is { } file ? File.ReadAllText(file.FullName).Trim() : parsed.GetValue(_text);
}
