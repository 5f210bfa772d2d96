"""`jam import --yaml`: a yaml file of jamify's as a params file, with what had no counterpart at its head."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from eval.results.plural import counted
from flows.run.progress import say
from flows.settings.jamify_settings import Taken, read_jamify_yaml
from flows.settings.params import load_params
from tasks.storage.files import write_bytes

COMMANDS = {
    "pretrain": "jam stage pretrain",
    "sft": "jam train",
    "dpo": "jam dpo",
    "generate": "jam generate",
}


def bring_in_yaml(source: Path, out: Path) -> None:
    """Write `out`, a params file of what `source` says, once these settings hold together.

    Raises:
        ValueError: see `read_jamify_yaml`; `out` is there, or its settings contradict one another.
    """
    if out.exists():
        raise ValueError(f"import: {out} is there; name a new file")
    taken = read_jamify_yaml(source)
    text = params_text(taken, source.name)
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(folder) / out.name
        tried.write_text(text)
        try:
            params = load_params(tried)
            if taken.kind != "generate":
                getattr(params, taken.kind).rule()
        except ValueError as error:
            raise ValueError(
                f"yaml: {source} cannot be taken over: {error}".replace(str(tried), str(source))
            ) from None
    write_bytes(out, text.encode())
    for line in taken.without:
        say(f"import: no counterpart: {line}")
    say(
        f"import: {source.name} as {out}; {counted(len(taken.without), 'value')} without a counterpart, listed in it"
    )
    say(f"try it: {COMMANDS[taken.kind]} --params {out}")


def params_text(taken: Taken, name: str) -> str:
    """The params file: what had no counterpart as comments, then the settings."""
    lines = [f"# {name} of jamify, read as {taken.kind}: {COMMANDS[taken.kind]} --params FILE."]
    lines += (
        ["# Without a counterpart here:", *(f"#   {_plain(line)}" for line in taken.without)]
        if taken.without
        else []
    )
    return "\n".join(lines) + "\n\n" + yaml.safe_dump(taken.values, sort_keys=True, allow_unicode=True)


def _plain(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)[:200]
