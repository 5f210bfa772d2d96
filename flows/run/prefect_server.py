"""Prefect's server, which shows a run and is not needed for its work: which exception means that it is lost (`is_lost`), and what is said."""

from __future__ import annotations

from tasks.storage.retry import GOES_ON

HINT = f"Prefect's server does not answer; start it again, or unset PREFECT_API_URL if you set it; {GOES_ON}"


def is_lost(error: BaseException) -> bool:
    """Whether an error came of a server that could not be reached."""
    from httpx import TransportError  # what Prefect's client raises

    at: BaseException | None = error
    while at is not None and not isinstance(at, TransportError):
        at = at.__cause__ or at.__context__
    return at is not None
