"""What a command line that cannot be read (a usage error) was likely meant to say: a word without its option, an option of another command."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

from typer.exceptions import TyperException

EXTRA = re.compile(r"Got unexpected extra argument\S* \((.*)\)", re.DOTALL)
SETTING, NAMED = re.compile(r"[a-z_0-9]+(\.[a-z_0-9]+)+=.*"), re.compile(r"[\w-]+=.+")
ENDINGS = {
    ".yaml": ("--params",),
    ".yml": ("--params",),
    ".json": ("--manifest", "--lyrics", "--songs"),
    ".jsonl": ("--manifest", "--songs"),
    ".csv": ("--manifest",),
    ".parquet": ("--manifest",),
    ".txt": ("--lyrics",),
    ".lrc": ("--lyrics",),
    ".tar": ("--shards",),
}
"""Options that take a file of an ending, the likeliest first."""
WORK_FOLDERS = ("table", "receipts", "checkpoints")  # a folder with one of these is a work folder
FOLDERS = ("--shards", "--songs", "--out", "--work")


def told_usage(error: TyperException) -> str:
    """The error as one line, with the option that was meant."""
    message = " ".join(error.format_message().split())
    context: Any = getattr(error, "ctx", None)  # click's, which typer keeps to itself
    if context is None:
        return message
    takes = {name: option for option in context.command.params for name in option.opts}
    options = {name: option for name, option in takes.items() if name.startswith("--")}
    command = f"`{context.command_path}`"
    if extra := EXTRA.fullmatch(error.format_message()):
        word = extra[1] if os.path.exists(extra[1]) else (extra[1].split() or [""])[0]
        told = f"{command} takes no argument {word!r} here"
        if any(not name.startswith("-") for name in takes) and word.isalpha() and not os.path.exists(word):
            return f"{told}; several words are one argument in quotes"
        free = {name: option for name, option in options.items() if not _is_given(context, option)}
        if meant := option_meant(word, free):
            return f"{told}; use {meant} {shlex.quote(word)}"
        return f"{told}; its options: {', '.join(options) or 'none'}"
    if message.startswith("No such option") and not getattr(error, "possibilities", None):
        return f"{message}; {command} takes {', '.join(options) or 'none'}"
    return message


def check_one_file(arguments: list[str]) -> None:
    """Refuses a second ``--params``, of which the last alone would count.

    Raises:
        ValueError: it is given more than once.
    """
    given = sum(word == "--params" or word.startswith("--params=") for word in arguments)
    if given > 1:
        raise ValueError(
            f"params: --params is given {given} times and takes one file; write `over: [FIRST.yaml]` into the last, as "
            "params/jam_sft.yaml does, and give that alone, or give single values by --set"
        )


def option_meant(word: str, options: dict[str, Any]) -> str | None:
    """Of a command's options the one that takes such a word; None where none does."""
    numbers = [name for name, option in options.items() if _takes_number(option)]
    if SETTING.fullmatch(word):
        likely = ["--set"]
    elif NAMED.fullmatch(word):
        likely = ["--system", "--checkpoint"]
    elif word.isdecimal():
        likely = numbers
    else:
        found = [*ENDINGS.get(Path(word).suffix.lower(), ()), *_of_folder(Path(word))]
        likely = [name for name in found if name not in numbers]
    return next((name for name in likely if name in options), None)


def _of_folder(path: Path) -> tuple[str, ...]:
    """Options that take a folder (there, or to be made), by what is in it."""
    if os.path.isfile(path / "model.safetensors"):
        return ("--checkpoint",)
    if any(os.path.isdir(path / name) for name in WORK_FOLDERS):
        return ("--work", *FOLDERS)
    return FOLDERS


def _takes_number(option: Any) -> bool:
    return getattr(getattr(option, "type_descriptor", None), "annotation", None) is int


def _is_given(context: Any, option: Any) -> bool:
    """Whether the command line has this option, which may be given once only."""
    source = context.get_parameter_source(option.name)
    return not option.multiple and source is not None and source.name == "COMMANDLINE"
