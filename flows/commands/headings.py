"""Every command of ``jam`` under its heading (a panel) in ``jam --help``: what this module imports is what there is."""

from __future__ import annotations

from flows.commands.app import app

# isort: off
# each module adds its commands; this is their order in `jam --help`
from flows.commands import lifecycle, rounds, measure, look, lyrics, adapters, upkeep, share  # noqa: F401

# isort: on
PANELS = {
    "lifecycle": "Life cycle",
    "rounds": "Preference rounds",
    "measure": "Measure",
    "look": "Look",
    "lyrics": "Lyrics",
    "adapters": "Adapters",
    "upkeep": "Upkeep",
    "share": "Share",
}
"""The heading in `jam --help` over the commands of a module."""
for _command in app.registered_commands:
    if _command.callback:
        _command.rich_help_panel = PANELS[_command.callback.__module__.rpartition(".")[2]]
