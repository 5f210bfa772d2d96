"""Foreign tar files, read as a stream of headers: nothing is unpacked, and every member is looked at before its bytes."""

from __future__ import annotations

import io
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from tasks.songs.files import TarMember


def members_of(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Members except folders.

    Raises:
        tarfile.TarError: a header of wrong size, or one that leads backwards and would never end.
    """
    end = 0
    for member in tar:
        if member.size < 0 or member.offset_data < end:
            raise tarfile.ReadError(f"member {member.name!r} has a wrong size")
        end = member.offset_data
        if not member.isdir():
            yield member


def fault_behind(file: BinaryIO, end: int) -> str | None:
    """What is wrong with a tar file behind its last member: it must end in zero blocks."""
    file.seek(end)
    if not (block := file.read(tarfile.BLOCKSIZE)):
        return "no end mark"
    while block:
        if any(block):
            return f"not a tar header at byte {end}"
        block = file.read(1 << 20)
    return None


def is_safe_name(name: str) -> bool:
    """Whether a member's name is a path below its tar file, without control characters and what is no UTF-8."""
    climbs = name.startswith("/") or ".." in name.split("/") or "\\" in name
    return bool(name) and not climbs and not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name)


def files_in(path: Path) -> tuple[list[TarMember], list[dict[str, str]]]:
    """The files in a tar file, and what in it is none: `path` in the tar file, `reason`, `detail`.

    What stands before the place where a tar file breaks off is taken; the break is ``shard_damaged``.
    """
    files: dict[PurePosixPath, TarMember] = {}
    refused: list[dict[str, str]] = []
    try:
        with (
            path.open("rb") as stream,
            io.BufferedReader(cast(io.RawIOBase, stream)) as file,  # from a store headers come one by one
            tarfile.open(fileobj=file, mode="r:") as tar,
        ):
            for member in members_of(tar):
                inside = PurePosixPath(member.name)
                if reason := _refusal(member, inside in files):
                    refused.append({"path": member.name, "reason": reason})
                else:
                    files[inside] = TarMember(path, member.offset_data, member.size, inside)
            damage = fault_behind(file, tar.offset)
    except (tarfile.TarError, OSError, ValueError) as error:
        damage = str(error)
    if damage:
        refused.append(
            {"path": "", "reason": "shard_damaged", "detail": f"{damage}; what follows was not read"}
        )
    return list(files.values()), refused


def _refusal(member: tarfile.TarInfo, stands: bool) -> str | None:
    if not is_safe_name(member.name):
        return "unsafe_name"
    if not member.isreg() or member.issparse():
        return "not_a_regular_file"
    return "duplicate_member" if stands else None
