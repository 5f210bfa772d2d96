"""Transient errors (errno) of the machine, not of a song: what passes is waited for, what does not is said in one line with its hint."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

PASSING = frozenset(
    {
        *(errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ESTALE),
        *(errno.ETIMEDOUT, errno.ECONNRESET, errno.ENETUNREACH, errno.EHOSTUNREACH),
    }
)
"""What network file systems and tired disks raise now and then, and not the next time."""
STORE_PASSING = re.compile(
    r"AWS Error (NETWORK_CONNECTION|SLOW_DOWN|THROTTLING|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|REQUEST_TIMEOUT)"
    r"|HTTP status 5\d\d|code: UNAVAILABLE"
)
"""The same of an object store, in the words of pyarrow, which gives such errors no number."""
WAITS_S = (0.2, 1.0, 5.0)
GOES_ON = "the same command goes on from there"
HINTS = {
    errno.ENOSPC: f"the disk is full; free space, {GOES_ON}",
    errno.EDQUOT: f"the quota is used up; free space, {GOES_ON}",
    errno.EROFS: f"the folder is read-only; mount it for writing, {GOES_ON}",
    errno.EACCES: f"it may not be read or written; change its rights, {GOES_ON}",
    errno.ENOMEM: f"the machine has no memory left; end something else, {GOES_ON}",
    **dict.fromkeys(PASSING, f"the storage failed again and again; when it is back, {GOES_ON}"),
}


def with_retries(action: Callable[[], Result]) -> Result:
    """What `action` gives; it is tried again, with longer and longer waits, while its error is one that can pass."""
    for wait_s in WAITS_S:
        try:
            return action()
        except OSError as error:
            if not passes(error):
                raise
        time.sleep(wait_s)
    return action()


def passes(error: OSError) -> bool:
    """Whether storage may not raise this the next time."""
    return error.errno in PASSING or (error.errno is None and STORE_PASSING.search(str(error)) is not None)


def hint_of(error: BaseException) -> str | None:
    """What to do about transient error of the machine; None for any other error."""
    if isinstance(error, MemoryError):
        return HINTS[errno.ENOMEM]
    if not isinstance(error, OSError):
        return None
    return HINTS[errno.EIO] if passes(error) else HINTS.get(error.errno or 0)
