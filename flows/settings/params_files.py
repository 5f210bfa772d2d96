"""Reading params: params.yaml, an overlay file, and ``--set section.key=value``, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

BASE = Path(__file__).resolve().parents[2] / "params.yaml"
Model = TypeVar("Model", bound=BaseModel)


def load(model: type[Model], overlay: Path | None = None, settings: Sequence[str] = ()) -> Model:
    """The project's params.yaml with `overlay` laid over it, then each ``section.key=value`` of `settings`.

    Raises:
        ValueError: a file that is no mapping, an unknown key, a value of the wrong type or out of range.
    """
    values = read_yaml(BASE)
    where = BASE.name
    if overlay is not None:
        for layer in layers_of(overlay):
            values = lay_over(values, layer)
        where = str(overlay)
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path:
            raise ValueError(
                f"--set {setting!r}: expected section.key=value, for example filter.min_alignment=0.3"
            )
        patch: Any = yaml.safe_load(text)
        for key in reversed(path.split(".")):
            patch = {key: patch}
        values = lay_over(values, patch)
        where = f"--set {path}"
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError(_one_line(error, where, model)) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; no tags, no objects.

    Raises:
        ValueError: it cannot be read, is not YAML, or is no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"params: cannot read {path}: {error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"params: {path} is not plain YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ValueError(f"params: {path} must hold sections (a mapping), not {type(values).__name__}")
    return values


def layers_of(overlay: Path, above: tuple[Path, ...] = ()) -> list[dict[str, Any]]:
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
    return [*(below for name in names for below in layers_of(overlay.parent / str(name), seen)), layer]


def lay_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `top`, mapping by mapping; neither is touched."""
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = lay_over(merged[key], value) if both else value
    return merged


def _one_line(error: ValidationError, where: str, model: type[BaseModel]) -> str:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        section = _section(model, first["loc"][:-1])
        known = ", ".join(section.model_fields) if section else "see params.yaml"
        return f"params ({where}): {path} is not a setting; settings there: {known}{more}"
    if first["type"] == "missing":
        return f"params ({where}): {path} is missing; params.yaml shows every setting{more}"
    shown = repr(first.get("input"))
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"params ({where}): {path} is {shown[:60]}: {message}{more}"


def _section(model: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel] | None:
    for name in path:
        field = model.model_fields.get(str(name))
        if (
            field is None
            or not isinstance(field.annotation, type)
            or not issubclass(field.annotation, BaseModel)
        ):
            return None
        model = field.annotation
    return model
