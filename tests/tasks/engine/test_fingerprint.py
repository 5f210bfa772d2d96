"""A fingerprint is of values, not of how they are written, and stays what it is in the folders of users."""

from __future__ import annotations

import json

import pytest

from tasks.engine.fingerprint import FINGERPRINT_CHARS, KeyTemplate, canonical, differences, fingerprint


def test_fingerprints_that_stand_in_work_folders_do_not_change() -> None:
    assert fingerprint({}) == "44136fa355b3"
    assert (
        fingerprint({"stage": "align", "version": 4, "params": {"times": None, "grid": 0.02}})
        == "592c916bfce7"
    )
    assert fingerprint(["é", "日本", 1e-7, True]) == "6dfa9ee53614"


def test_equal_values_have_one_fingerprint_and_different_ones_two() -> None:
    value = {"b": [1, {"d": 2.5, "c": "x"}], "a": None}
    assert fingerprint(json.loads(json.dumps(value, indent=3))) == fingerprint(dict(reversed(value.items())))
    near = [
        {**value, "a": 0},
        {**value, "a": False},
        {**value, "b": [{"d": 2.5, "c": "x"}, 1]},
        {"b": value["b"]},
    ]
    found = {fingerprint(one) for one in [value, *near]}
    assert len(found) == 5 and {len(one) for one in found} == {FINGERPRINT_CHARS}


def test_what_json_cannot_say_has_no_fingerprint() -> None:
    for value in (float("nan"), float("inf"), {1, 2}, b"bytes"):
        with pytest.raises((ValueError, TypeError)):
            canonical({"value": value})


def test_differences_name_every_key_that_differs_and_no_other() -> None:
    old = {"version": 1, "params": {"min_words": 2, "same": [1]}, "models": ["a"]}
    new = {"version": 1, "params": {"min_words": 3, "same": [1], "late": "x" * 100}, "models": ["b"]}
    lines = differences(old, new)
    assert lines[:2] == ['models: ["a"] -> ["b"]', f'params.late: null -> "{"x" * 58}…']
    assert lines[2:] == ["params.min_words: 2 -> 3"] and differences(new, new) == []


def test_a_template_gives_the_fingerprint_of_the_whole_key() -> None:
    base = {
        "stage": "Ärger",
        "version": 2,
        "params": {"inputs": {}, "a": None},
        "facts": {},
        "models": ["a%s"],
    }
    for names in ([], ["sources"], ["sources", "align", "check"]):
        inputs = {name: f"{number:012x}" for number, name in enumerate(names, 77)}
        found = KeyTemplate(base, names).fingerprint(list(inputs.values()))
        assert found == fingerprint({**base, "inputs": inputs}), names
