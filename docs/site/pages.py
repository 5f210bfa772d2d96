"""The pages of the site that no file of docs/ is: parts of the README, and references made from commands and settings.

mkdocs runs it as a hook (mkdocs.yml), so nothing of what it makes lies in the repository. A link to a file that is no
page of the site is written as the file's place.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[2]
README_PAGES = {  # the first heading is the page's own, the others follow; "": what stands before all of them
    "index.md": ("", "Installing"),
    "songs.md": ("Your own songs",),
    "models.md": ("Stages and models",),
    "commands.md": ("The commands",),
    "settings.md": ("Settings",),
    "cluster.md": ("From laptop to cluster", "DVC"),
    "house.md": ("The house",),
}
COPIED = {"SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md", "bench/README.md": "measurements.md"}
A_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
A_PICTURE = re.compile(r"(!\[[^\]]*\]\()docs/")
KINDS = {bool: "true, false", int: "integer", float: "number", str: "text", Path: "path", NoneType: "null"}
BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def made_pages() -> dict[str, str]:
    """Every page that is made, by its place in the site: Markdown with links as the site has them."""
    parts = sections((ROOT / "README.md").read_text(encoding="utf-8"))
    pages = {
        uri: "\n\n".join(
            f"{'##' if number else '#'} {name}\n\n{parts[name]}" for number, name in enumerate(names) if name
        )
        for uri, names in README_PAGES.items()
    }
    pages["index.md"] = f"{parts['']}\n\n{pages['index.md']}"
    pages["commands.md"] += f"\n\n{commands_reference()}"
    pages["settings.md"] += f"\n\n{settings_reference()}"
    pages = {uri: linked(text, "") for uri, text in pages.items()}
    copies = {uri: (name, (ROOT / name).read_text(encoding="utf-8")) for name, uri in COPIED.items()}
    return pages | {uri: linked(text, posixpath.dirname(name)) for uri, (name, text) in copies.items()}


def sections(readme: str) -> dict[str, str]:
    """The README's text under each heading; under "" what stands before the first."""
    first, *rest = readme.split("\n## ")
    parts = {name: text for name, _, text in (part.partition("\n") for part in rest)}
    return {"": first.strip()} | {name: text.strip() for name, text in parts.items()}


def linked(text: str, folder: str) -> str:
    """The text of a page that lay in `folder` of the repository, with links and pictures as the site has them.

    Raises:
        ValueError: a link leads to no file.
    """
    return A_LINK.sub(lambda found: _link(found, folder), A_PICTURE.sub(r"\1", text))


def _link(found: re.Match[str], folder: str) -> str:
    label, target = found.groups()
    place, _, anchor = target.partition("#")
    if "://" in target or not place:
        return found[0]
    place = posixpath.normpath(posixpath.join(folder, place))
    if not (ROOT / place).exists():
        raise ValueError(
            f"link: [{label}]({target}) of {folder or 'the README'} leads to no file; mend it there"
        )
    if place not in COPIED and not place.startswith("docs/"):
        return label if label == place else f"{label} (`{place}`)"
    uri = COPIED.get(place, place.removeprefix("docs/"))
    return f"[{label}]({uri}{'#' + anchor if anchor else ''})"


def commands_reference() -> str:
    """Every command of `jam` under its heading, with how it is called and a table of what it takes, from its parser."""
    from typer.core import TyperGroup
    from typer.main import get_command

    from flows.commands.headings import PANELS, app

    jam = get_command(app)
    assert isinstance(jam, TyperGroup)
    parts: dict[str, list[str]] = {heading: [] for heading in PANELS.values()}
    for name, command in jam.commands.items():
        context = command.make_context(name, [], resilient_parsing=True)
        context.info_name = f"jam {name}"
        usage = command.get_usage(context).removeprefix("Usage: ")
        rows = [row for option in command.params if (row := option.get_help_record(context))]
        table = "\n".join(f"| `{_cell(option)}` | {_cell(said)} |" for option, said in rows)
        parts[command.rich_help_panel] += [
            f"### jam {name}\n\n{command.help}\n\n```\n{usage}\n```\n\n| option | what |\n|---|---|\n{table}"
        ]
    return "\n\n".join("\n\n".join([f"## {heading}", *parts[heading]]) for heading in parts)


@dataclass(frozen=True)
class Setting:
    """A setting as its file has it: its dotted name, its value as written, and the comment beside and below it."""

    name: str
    value: str
    comment: str


def settings_reference() -> str:
    """Every setting of params.yaml and params/base, a table a section, with its kind and what its file says of it."""
    from flows.settings.params import Params
    from flows.settings.params_files import base_files

    parts = []
    for path in base_files():
        text = path.read_text(encoding="utf-8")
        parts.append(f"## {path.relative_to(ROOT)}\n\n{_head(text)}")
        for section, comment, settings in read_settings(text):
            rows = "\n".join(
                f"| `{each.name}` | {f'`{_cell(each.value)}`' if each.value else ''} | {_cell(kind_of(Params, each.name))} | "
                f"{_cell(each.comment)} |"
                for each in settings
            )
            said = f"{comment[:1].upper()}{comment[1:]}.\n\n" if comment else ""
            parts.append(
                f"### {section}\n\n{said}| setting | as it stands | kind | what |\n|---|---|---|---|\n{rows}"
            )
    return "\n\n".join(parts)


def read_settings(text: str) -> Iterator[tuple[str, str, list[Setting]]]:
    """The sections of a params file: name, comment, and settings in their order."""
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    lines = text.splitlines()
    for key, value in document.value:
        yield key.value, _comment(lines, key, None), list(_settings(lines, key, value, key.value))


def _settings(lines: list[str], key: yaml.Node, value: yaml.Node, name: str) -> Iterator[Setting]:
    block = isinstance(value, yaml.MappingNode) and not value.flow_style
    if not block:
        yield Setting(name, _written(lines, value), _comment(lines, key, value))
        return
    if "." in name and (comment := _comment(lines, key, None)):
        yield Setting(name, "", comment)
    for below, inner in value.value:
        yield from _settings(lines, below, inner, f"{name}.{below.value}")


def _written(lines: list[str], value: yaml.Node) -> str:
    """A value as its file has it, on one line; of a list below its key its entries."""
    if isinstance(value, yaml.SequenceNode) and not value.flow_style:
        return "; ".join(_written(lines, entry) for entry in value.value)
    start, end = value.start_mark, value.end_mark
    rows = lines[start.line : end.line + 1] or [""]
    rows[-1] = rows[-1][: end.column]
    rows[0] = rows[0][start.column :]
    return " ".join(" ".join(rows).split())


def _comment(lines: list[str], key: yaml.Node, value: yaml.Node | None) -> str:
    """What stands behind a key (and its value) and in lines of comment alone below it that begin farther right."""
    inline = value is not None and value.end_mark.column > 0 and value.start_mark.line == key.start_mark.line
    number, column = (
        (value.end_mark.line, value.end_mark.column)
        if inline and value
        else (key.end_mark.line, key.end_mark.column)
    )
    above = lines[: key.start_mark.line]
    said = [lines[number][column:].partition("#")[2]]
    while key.start_mark.column and above and above[-1].startswith(" " * key.start_mark.column + "#"):
        said.insert(0, f"{above.pop().strip()[1:]}:")
    for line in lines[number + 1 :]:
        bare = line.lstrip()
        if not bare.startswith("#") or len(line) - len(bare) <= key.start_mark.column + 2:
            break
        said.append(bare[1:])
    return " ".join(" ".join(said).split())


def _head(text: str) -> str:
    """The comment that a file begins with."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line[1:].strip() for line in lines[:first])


def kind_of(model: type[BaseModel], name: str) -> str:
    """What a setting may be, as its section declares it: a kind, a choice or a range; empty for a section."""
    annotation: Any = model
    bounds: list[str] = []
    for part in name.split("."):
        section = _among(annotation, BaseModel)
        if section is None:  # a mapping that users fill
            return _kind((get_args(annotation) or (Any, Any))[-1])
        field = section.model_fields[part]
        annotation = field.annotation
        bounds = [
            f"{sign} {getattr(m, at)}"
            for m in field.metadata
            for at, sign in BOUNDS.items()
            if hasattr(m, at)
        ]
    return "" if _among(annotation, BaseModel) else " ".join([_kind(annotation), *bounds])


def _among(annotation: Any, kind: type) -> Any:
    """The class of that kind in an annotation, itself or one of a union."""
    unions = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((each for each in unions if isinstance(each, type) and issubclass(each, kind)), None)


def _kind(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(str(choice) for choice in inner)
    if origin in (Union, UnionType):
        return " or ".join(_kind(each) for each in inner)
    if hasattr(annotation, "__metadata__"):
        return _kind(inner[0])
    if origin in (list, tuple, set):
        return f"list of {_kind(inner[0])}" if inner else "list"
    if origin is not None and issubclass(origin, Mapping):
        return "mapping"
    return KINDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def on_files(files: Any, config: Any) -> Any:
    """mkdocs asks which files there are: those that are made stand beside those of docs/."""
    from mkdocs.structure.files import File

    for uri, text in made_pages().items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """mkdocs has read a page: links of docs/ that leave it lead to the page that was made of the file."""
    return markdown if page.file.generated_by else linked(markdown, "docs")
