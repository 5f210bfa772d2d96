"""`@flow`, a flow that costs nothing until it is called: Prefect is imported with the first of them, not with its module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

from flows.run.notify import HOOKS

Given = ParamSpec("Given")
Result = TypeVar("Result")
Body = Callable[Given, Result]


def flow(name: str, flow_run_name: str) -> Callable[[Body[Given, Result]], Body[Given, Result]]:
    """As `prefect.flow`, with the hooks of every flow of ours.

    Where Prefect is imported already (it loads the module of a deployment itself), this makes its flow at once.
    """

    def made(body: Body[Given, Result]) -> Body[Given, Result]:
        waiting = LazyFlow(body, name, flow_run_name)
        return waiting.flow if "prefect" in sys.modules else waiting

    return made


class LazyFlow(Generic[Given, Result]):
    """A flow that is made when it is first called or asked for anything."""

    def __init__(self, body: Body[Given, Result], name: str, flow_run_name: str) -> None:
        update_wrapper(self, body)
        self._settings: dict[str, Any] = {"name": name, "flow_run_name": flow_run_name, **HOOKS}
        self._flow: Any = None

    @property
    def flow(self) -> Any:
        """Prefect's."""
        if self._flow is None:
            import prefect

            self._flow = prefect.flow(**self._settings)(self.__wrapped__)  # type: ignore[attr-defined]
        return self._flow

    def __call__(self, *args: Given.args, **more: Given.kwargs) -> Result:
        return self.flow(*args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.flow, name)
