"""A folder of compiled functions for each process that runs: numba's own, beside librosa, is mixed up where processes fill it at the same time.

librosa's functions are compiled when they are first called, and kept. numba (0.68) reads an index, takes a free number for what it compiled and
writes the index again; two processes can take one number for two functions. Who loads the one for the other dies by a
signal, and so does every later process, until the folder is emptied.
What a process lacks it takes from the folders of the others, so that a machine compiles once (most of a minute) and not once a process.
"""

from __future__ import annotations

import fcntl
import glob
import os
import platform
import shutil
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

VARIABLE = "NUMBA_CACHE_DIR"
OWN = "process-"
_held: list[BinaryIO] = []


def keep_compiled_apart() -> Path:
    """Points numba, before it is imported, at a folder that no other living process uses, and returns it.

    It is the first free one of numbered folders, so what was compiled is found again; they lie where NUMBA_CACHE_DIR says, else in the
    user's cache, by machine. The system gives a folder free when its process ends, however it ends. Where none can be written,
    one is made for this process alone.
    """
    if _held:
        return Path(_held[0].name).parent
    try:
        given = Path(os.environ.get(VARIABLE) or _of_user())
        root = (
            given.parent if given.name.startswith(OWN) else given
        )  # that of the process which started this one
        folder = next(folder for number in count() if _is_taken(folder := root / f"{OWN}{number}"))
        _bring_what_others_compiled(folder)
    except (OSError, RuntimeError):  # nothing may be written there, or nobody knows this user's home
        folder = Path(tempfile.mkdtemp(prefix="jam-numba-"), f"{OWN}0")
        _is_taken(folder)
    os.environ[VARIABLE] = str(folder)
    return folder


def _of_user() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "jam", "numba", platform.node() or "localhost")


def _is_taken(folder: Path) -> bool:
    """Whether it is this process's from now on: False where another lives that has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_own(folder):  # numba keeps pickles: those of another user are not read
        return False
    file = (folder / "held").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _held.append(file)
    return True


def _is_own(folder: Path) -> bool:
    return folder.stat().st_uid == os.geteuid()


def _bring_what_others_compiled(folder: Path) -> None:
    """Copies the functions that this folder lacks.

    An index is read before its functions and laid after them: it names none that is not there, whatever the other
    process is writing, and a copy that is cut off leaves none named.
    """
    for index in sorted(folder.parent.glob(f"{OWN}*/*/*.nbi")):
        copy = folder / index.relative_to(index.parents[1])
        if copy.exists():
            continue
        with suppress(OSError):  # removed meanwhile, or no room: then it is compiled here
            if not _is_own(index.parents[1]):
                continue
            named = index.read_bytes()
            copy.parent.mkdir(exist_ok=True)
            for function in index.parent.glob(f"{glob.escape(index.stem)}.*.nbc"):
                shutil.copyfile(function, copy.parent / function.name)
            unready = copy.with_suffix(".copy")
            unready.write_bytes(named)
            unready.replace(copy)
