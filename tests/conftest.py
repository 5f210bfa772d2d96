"""Shared by all tests: one Ray and one home of Prefect for a process; no test's server in another's environment."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

import pytest

from tasks.storage.numba_cache import keep_compiled_apart
from tests.browser import browser  # noqa: F401 (a fixture of all tests)

keep_compiled_apart()
gc.disable()  # until all is imported: a third of the time that it takes is looking for garbage where there is none
os.environ.setdefault("WDS_SECURE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's threads wait without taking a core from others
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="prefect-")  # a database for each process of the tests
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def ray_ends_with_the_tests() -> Iterator[None]:
    yield
    if (ray := sys.modules.get("ray")) and ray.is_initialized():
        ray.shutdown()
    shutil.rmtree(os.environ["PREFECT_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def a_command_names_its_server_to_no_later_test() -> Iterator[None]:
    """A command that ran in this process set the variable for what it would start; its server stands until the end."""
    named = "PREFECT_API_URL" in os.environ
    yield
    if not named:
        os.environ.pop("PREFECT_API_URL", None)
