"""Reading params in layers: base files, an overlay, ``--set section.key=value``; an error is one line with the path, the message and the nearest fields of the model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from flows.settings.core_yaml import parse_yaml

BASE = Path(__file__).resolve().parents[2] / "params.yaml"
Model = TypeVar("Model", bound=BaseModel)
MAX_NEAR, LIKENESS = 3, 0.6  # of the settings that are told as near to a misspelt one
Layer = tuple[str, dict[str, Any]]
"""Values, and what a reader calls the place they come from."""


def load(
    model: type[Model],
    overlay: Path | None,
    settings: Sequence[str],
    shared: Mapping[str, str],
    below: Sequence[Layer] = (),
) -> Model:
    """The project's params with `overlay` laid over them, then each ``section.key=value`` of `settings`.

    `shared`: sections in which null is what another says, when all is laid: ``{"pretrain": "fit"}``. `below`: layers
    between the project's own and `overlay`.

    Raises:
        ValueError: a file that is no mapping, an unknown key, a value of the wrong type or out of range.
    """
    layers = [*base_layers(), *below, *given_layers(overlay, settings)]
    values = laid(layers)
    for name, other in shared.items():
        values[name] = filled(values.get(name), values.get(other))
    try:  # as JSON: strict, so that no text becomes a number or a truth, and a list may be a tuple
        return model.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise ValueError(_one_line(error, layers, model)) from None


def base_files() -> list[Path]:
    """params.yaml and the files of params/base beside it, by name."""
    return [BASE, *sorted((BASE.parent / "params" / "base").glob("*.yaml"))]


def base_layers() -> list[Layer]:
    """The project's own values."""
    return [(str(path.relative_to(BASE.parent)), read_yaml(path)) for path in base_files()]


def given_layers(overlay: Path | None, settings: Sequence[str]) -> list[Layer]:
    """What a command was given: its file's values, then each ``section.key=value``.

    Raises:
        ValueError: the file cannot be read, or a setting has another form.
    """
    return [*(layers_of(overlay) if overlay else []), *map(setting_of, settings)]


def laid(layers: Sequence[Layer]) -> dict[str, Any]:
    """The values of layers, each over those before it."""
    values: dict[str, Any] = {}
    for _, layer in layers:
        values = lay_over(values, layer)
    return values


def setting_of(setting: str) -> Layer:
    """``section.key=value`` as a layer.

    Raises:
        ValueError: it has another form, or its value is not YAML.
    """
    path, equals, text = setting.partition("=")
    if not equals or not path:
        raise ValueError(
            f"--set {setting!r}: expected section.key=value, for example filter.min_alignment=0.3"
        )
    patch: Any = parse_yaml(text, f"--set {path}")
    for key in reversed(path.split(".")):
        patch = {key: patch}
    return f"--set {path}", patch


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping.

    Raises:
        ValueError: it cannot be read, is not YAML, or is no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"params: cannot read {path}: {error}") from None
    values = parse_yaml(text, str(path))
    if not isinstance(values, dict):
        raise ValueError(f"params: {path} must hold sections (a mapping), not {type(values).__name__}")
    return values


def layers_of(overlay: Path, above: tuple[Path, ...] = ()) -> list[Layer]:
    """The overlay's values, after those of the files its ``over`` names (one path or a list, beside it), and so on.

    Raises:
        ValueError: a file cannot be read, or lies over itself.
    """
    if overlay.resolve() in above:
        raise ValueError(f"params: {overlay} lies over itself; take one `over` out")
    layer = read_yaml(overlay)
    under = layer.pop("over", [])
    names = under if isinstance(under, list) else [under]
    seen = (*above, overlay.resolve())
    below = [found for name in names for found in layers_of(overlay.parent / str(name), seen)]
    return [*below, (str(overlay), layer)]


def lay_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `top`, mapping by mapping; neither is touched."""
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = lay_over(merged[key], value) if both else value
    return merged


def filled(section: Any, other: Any) -> Any:
    """The section with the values of the other one where it says null."""
    if not isinstance(section, Mapping) or not isinstance(other, Mapping):
        return section  # no mapping: told when it is checked
    return {key: other.get(key) if value is None else value for key, value in section.items()}


def _one_line(error: ValidationError, layers: Sequence[Layer], model: type[BaseModel]) -> str:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    where = _source(layers, first["loc"])
    if first["type"] == "extra_forbidden":
        return f"params ({where}): there is no setting {path}; {_cure(model, first['loc'])}{more}"
    if first["type"] == "missing":
        return f"params ({where}): {path} is missing; params.yaml and params/base show every setting{more}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if not path:  # two sections do not fit each other
        return f"params: {message}{more}"
    given = first.get("input")
    if isinstance(given, str) and first["type"] in ("int_type", "float_type", "bool_type"):
        message += "; numbers are decimal (90, 0.5, 1e-5), truth is true or false"
    if isinstance(given, int | float) and first["type"] == "string_type":
        message += "; in quotes it is text"
    shown = (
        "" if isinstance(given, Mapping) else f" is {repr(given)[:60]}"
    )  # a section's own rule names what is wrong
    return f"params ({where}): {path}{shown}: {message}{more}"


def _source(layers: Sequence[Layer], path: Sequence[int | str]) -> str:
    """The uppermost layer that says most of a path."""

    def said(values: Any) -> int:
        for depth, key in enumerate(path):
            if not isinstance(values, Mapping) or key not in values:
                return depth
            values = values[key]
        return len(path)

    return max(reversed(layers), key=lambda layer: said(layer[1]))[0]


def _cure(model: type[BaseModel], path: Sequence[int | str]) -> str:
    """The settings nearest to one that there is not: alike in its section, then of its name in others; else all there."""
    *above, last = map(str, path)
    section = _section(model, above)
    known = list(section.model_fields) if section else []
    near = [".".join([*above, name]) for name in get_close_matches(last, known, MAX_NEAR, LIKENESS)]
    near += [".".join(setting) for setting in _settings(model) if setting[-1] == last]
    return f"near: {', '.join(near[:MAX_NEAR])}" if near else f"settings there: {', '.join(known)}"


def _settings(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """The path of every setting and section."""
    for name, field in model.model_fields.items():
        yield (name,)
        if get_origin(field.annotation) is None and (section := _model_in(field.annotation)):
            yield from ((name, *below) for below in _settings(section))


def _section(model: type[BaseModel], path: Iterable[str]) -> type[BaseModel] | None:
    """The section at a path; that of a mapping's values, where the path has one of its keys."""
    names, found = iter(path), model
    for name in names:
        field = found.model_fields.get(name)
        section = _model_in(field.annotation) if field else None
        if field is None or section is None:
            return None
        if get_origin(field.annotation) is dict:
            next(names, None)
        found = section
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds: itself, or none, or as the values of a mapping."""
    kinds = [annotation, *get_args(annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
