"""Commands: the benchmark and its report."""

from __future__ import annotations

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Work, app, ready, text


@app.command()
def benchmark(work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """Measure the checkpoints and write the report."""
    ready(params, set_, "benchmark")
    from flows.benchmark import benchmark as flow
    from flows.look import print_report

    flow(str(work), text(params), set_)
    print_report(work)


@app.command()
def report(work: Work = DATA) -> None:
    """Show the last report's table and where it lies."""
    from flows.look import print_report

    print_report(work)
