"""YAML values: what YAML 1.1 would turn into other things stays text, and nothing but plain values is read."""

from __future__ import annotations

import pytest

from flows.settings.core_yaml import parse_yaml
from tests.every import every


@every(
    "text",
    ["1:30", "no", "yes", "on", "off", "010", "0o10", "0x1f", "1_000", ".inf", "2024-01-01", "True", "<<"],
)
def test_what_yaml_1_1_reads_as_something_else_is_text(text: str) -> None:
    assert parse_yaml(text, "here") == text


@every(
    ("text", "value"),
    [
        ("90", 90), ("-3", -3), ("0", 0), ("0.5", 0.5), (".5", 0.5), ("1e-5", 1e-5), ("1E+3", 1000.0),
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None), ("[1, no]", [1, "no"]),
    ],
)  # fmt: skip
def test_numbers_truth_and_nothing_are_read_as_the_core_schema_says(text: str, value: object) -> None:
    read = parse_yaml(text, "here")
    assert read == value and type(read) is type(value)


@every(
    ("text", "why"),
    [
        ("a: &a 1\nb: *a", r"an alias, \*a; write the values out"),
        ("a: &a [*a]", "an alias"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("!!int '1:30'", "invalid literal"),
        ("!!binary aGk=", "could not determine a constructor"),
        ("a: [", "expected.* node content"),
        ("[" * 60 + "]" * 60, "deeper than 50"),
        ("9" * 5000, "integer string conversion"),
    ],
)
def test_more_than_plain_values_is_refused_in_one_line(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"params: here is not plain YAML: .*{why}") as caught:
        parse_yaml(text, "here")
    assert "\n" not in str(caught.value)


def test_a_merge_key_merges_nothing() -> None:
    assert parse_yaml("a: {<<: {b: 1}}", "here") == {"a": {"<<": {"b": 1}}}
