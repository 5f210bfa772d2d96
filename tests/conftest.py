"""Shared by all tests: one Ray for the whole session, ended at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("WDS_SECURE", "1")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")


@pytest.fixture(scope="session", autouse=True)
def ray_ends_with_the_tests() -> Iterator[None]:
    yield
    import ray

    if ray.is_initialized():
        ray.shutdown()
