"""Commands: preference rounds."""

from __future__ import annotations

from flows.commands.app import DATA, NO_SETTINGS, Overlay, Settings, Work, app, ready, text


@app.command()
def dpo(work: Work = DATA, params: Overlay = None, set_: Settings = NO_SETTINGS) -> None:
    """One DPO round from the fine-tuned model."""
    ready(params, set_, "dpo")
    from flows.dpo import dpo as flow

    flow(str(work), text(params), set_)
