"""`jam import`: foreign .pt shards (jamify's) as safe ones, a yaml file of its trainer as a params file, or captions and audio as a benchmark."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from eval.results.plural import counted
from flows.console.share import check_new
from flows.run.progress import progress_bar, say
from flows.settings.jamify_settings import Taken, read_jamify_yaml
from flows.settings.params import Params, load_params
from tasks.benchmark.caption_list import make_benchmark
from tasks.benchmark.external_systems import first_names
from tasks.models.phonemizer import build_phonemizer
from tasks.shards.convert_foreign import REFUSED_NAME, Importer, import_shards
from tasks.shards.read_foreign import shards_of
from tasks.storage.files import write_bytes

COMMANDS = {
    "pretrain": "jam stage pretrain",
    "sft": "jam train",
    "dpo": "jam dpo",
    "generate": "jam generate",
}


def bring_in_shards(params: Params, where: str, out: Path) -> int:
    """Convert the shards of a folder or pattern into `out`; returns how many samples were taken.

    Raises:
        ValueError: no shards, or none of their samples could be taken.
    """
    importer = Importer(
        build_phonemizer(params.models.phonemizer),
        params.phonemize.max_unknown_share,
        params.group,
        params.pack.tensor_format,
    )
    paths = shards_of(where)
    with progress_bar("import", "shards") as show:
        imported = import_shards(paths, out, importer, show)
    reasons = ", ".join(f"{reason} {count}" for reason, count in imported.reasons.items())
    if not imported.num_samples:
        raise ValueError(
            f"import: no sample of {where} could be taken ({reasons or 'there is none'}); see {out / REFUSED_NAME}"
        )
    refused = (
        f"; refused {len(imported.refused)} ({reasons}), listed in {out / REFUSED_NAME}" if reasons else ""
    )
    say(f"import: {imported.num_samples} samples of {len(paths)} shards in {out}{refused}")
    return imported.num_samples


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
        ["# Without a counterpart here:", *(f"#   {_printable(line)}" for line in taken.without)]
        if taken.without
        else []
    )
    return "\n".join(lines) + "\n\n" + yaml.safe_dump(taken.values, sort_keys=True, allow_unicode=True)


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)[:200]


def bring_in_captions(params: Params, captions: Path, audio: Path, out: Path) -> None:
    """Make a list of captions beside audio a benchmark below `out`, and say what of it is missing.

    Raises:
        ValueError: see `make_benchmark`; `out` is not empty.
    """
    check_new(out, "import")
    if not captions.is_file():
        raise ValueError(f"captions: {captions} is no file; give a list as MusicCaps has it")
    made = make_benchmark(captions, audio, out, params.audio)
    if made.missing:
        say(
            f"import: the audio of {counted(len(made.missing), 'clip')} is not in {audio}: {first_names(made.missing)} (missing.jsonl)"
        )
    if made.refused:
        first = made.refused[0]
        say(
            f"import: {counted(len(made.refused), 'row')} left out, such as {first['path']}: {first['detail']} (refused.jsonl)"
        )
    say(f"import: {counted(made.num_songs, 'song')} in {made.manifest}, for `jam benchmark --manifest`")
