"""Rows of a table in one test case: as `pytest.mark.parametrize`, but collected once; every row that fails is told by name.

For rows that differ in values. What differs in kind (each stage, each limit) stays a case of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import update_wrapper
from typing import Any

MAX_NAME = 100
Test = Callable[..., None]
Row = tuple[str, dict[str, Any]]
"""What it is called, and its value for each argument."""


_NO_VALUES: list[Row] = [("", {})]


def every(
    names: str | Sequence[str], rows: Iterable[Any], ids: Callable[[Any], object] = repr
) -> Callable[[Test], Test]:
    """The test for each row, which has a value for each of `names`; a row may fail, the others run all the same.

    Each row has a `tmp_path` of its own, and its `monkeypatch` is undone behind it. Two of them over one test: every row
    of one with every row of the other. `ids`: what a value is called by.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    values = [tuple(row) if len(arguments) > 1 else (row,) for row in rows]
    table: list[Row] = [
        (", ".join(_called(value, ids) for value in row), dict(zip(arguments, row, strict=True)))
        for row in values
    ]
    assert table, "no row, nothing would be tested"

    def decorate(test: Test) -> Test:
        inner, others = getattr(test, "every", (test, _NO_VALUES))
        whole = [_joined(row, other) for row in table for other in others]

        def run(**given: Any) -> None:
            subtests = given.pop("subtests")
            for number, (name, row) in enumerate(whole):
                with subtests.test(name[:MAX_NAME]), _own(given, number) as own:
                    inner(**own, **row)

        update_wrapper(run, inner)
        known = [name for name in inspect.signature(inner).parameters if name not in whole[0][1]]
        fixtures = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in (*known, "subtests")]
        vars(run).update(__signature__=inspect.Signature(fixtures), every=(inner, whole))
        return run

    return decorate


def _called(value: Any, ids: Callable[[Any], object]) -> str:
    name = ids(value)
    return repr(value) if name is None else str(name)


def _joined(row: Row, other: Row) -> Row:
    return ", ".join(filter(None, (row[0], other[0]))), {**row[1], **other[1]}


@contextmanager
def _own(given: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """The fixtures of one row."""
    own = dict(given)
    with ExitStack() as stack:
        if "tmp_path" in own:
            own["tmp_path"] = own["tmp_path"] / str(number)
            own["tmp_path"].mkdir()
        if "monkeypatch" in own:
            own["monkeypatch"] = stack.enter_context(own["monkeypatch"].context())
        for name in {"capfd", "capsys"} & own.keys():
            own[name].readouterr()  # of the row before
        yield own
