using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Host.Commands;
using OeeOrleans.Host.Hosting;

namespace OeeOrleans.Host.Tests;

/// <summary>A process does not stay up without its work.</summary>
public sealed class EndByItselfTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task When_a_part_that_works_in_the_background_dies_the_process_ends_and_its_exit_code_says_so()
    {
        using var stopping = new StopSignals(CancellationToken.None);
        var work = new Dying();
        await using var app = await StartAsync(work);
        work.Die.SetResult();
        Assert.Equal(ExitCode.Failure, await ServerRunner.UntilStoppedAsync(app, stopping, NullLogger.Instance).WaitAsync(Soon));
    }

    [Fact]
    public async Task Who_is_asked_to_end_ends_in_good_order()
    {
        using var asked = new CancellationTokenSource();
        using var stopping = new StopSignals(asked.Token);
        await using var app = await StartAsync(new Living());
        var running = ServerRunner.UntilStoppedAsync(app, stopping, NullLogger.Instance);
        await asked.CancelAsync();
        Assert.Equal(ExitCode.Success, await running.WaitAsync(Soon));
    }

    private static async Task<WebApplication> StartAsync(BackgroundService work)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.AddHostedService(_ => work);
        var app = builder.Build();
        await app.StartAsync();
        return app;
    }

    private sealed class Dying : BackgroundService
    {
        public TaskCompletionSource Die { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Die.Task.WaitAsync(stoppingToken);
            throw new InvalidOperationException("a bug");
        }
    }

    private sealed class Living : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
            Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stoppingToken);
    }
}
