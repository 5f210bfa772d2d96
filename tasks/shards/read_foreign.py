"""Foreign WebDataset shards as they stand: their tar members as samples one by one, each with the id its key makes, and what is wrong (damaged) with each.

Read as a stream of members and never unpacked. What cannot be taken is told as a fault of its sample or, where
the tar file itself breaks off, of the shard.
"""

from __future__ import annotations

import glob
import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from braceexpand import braceexpand

from jam_model.shard_index import SAFE_ID, SUFFIXES
from jam_model.tensors import MAX_MEMBER_BYTES
from tasks.engine.song import Refused
from tasks.songs.listing import song_id_of
from tasks.songs.tar import fault_behind, is_safe_name, members_of


@dataclass
class Found:
    """A sample as it stands in a foreign shard: its members by suffix, and the first thing wrong with them."""

    key: str
    members: dict[str, bytes] = field(default_factory=dict)
    fault: Refused | None = None


def shards_of(where: str) -> list[Path]:
    """The shards of a folder, or of a pattern with ``{000..485}`` or ``*``, in order.

    Raises:
        ValueError: there is none, or one that the pattern names is missing.
    """
    if Path(where).is_dir():
        paths = sorted(Path(where).glob("*.tar"))
    else:
        paths = []
        for name in braceexpand(where):
            matches = [name] if Path(name).is_file() else sorted(glob.glob(name))
            if not matches:
                raise ValueError(
                    f"shards: {name} is neither a folder nor a file; give one, or a pattern of .tar files"
                )
            paths += [Path(match) for match in matches]
    if not paths:
        raise ValueError(f"shards: no .tar file in {where}")
    return paths


def samples_of(path: Path) -> Iterator[Found]:
    """The samples of a foreign shard in file order, grouped as webdataset groups them: neighbours of one key.

    What breaks off a shard is given last, as a sample without members whose fault is ``shard_damaged``.
    """
    sample: Found | None = None
    damage = None
    with path.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for member in members_of(tar):
                    key, suffix = _key_and_suffix(member.name)
                    if sample is None or key != sample.key:
                        if sample is not None:
                            yield sample
                        sample = Found(key)
                    _take(sample, suffix, member, tar)
                damage = fault_behind(file, tar.offset)
        except (tarfile.TarError, OSError, ValueError) as error:
            damage = str(error)
    if sample is not None:
        yield sample
    if damage:
        yield Found("", fault=Refused("shard_damaged", f"{damage}; what follows was not read"))


def safe_id(key: str) -> str:
    """The key itself where it can name a sample of ours, else a safe id made from it.

    Raises:
        Refused: ``unsafe_name``: a path that is absolute or climbs, or with control characters.
    """
    if not is_safe_name(key):
        raise Refused("unsafe_name")
    if SAFE_ID.fullmatch(key):
        return key
    return song_id_of(key, hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest())


def _take(sample: Found, suffix: str, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
    """Puts a member's bytes into its sample, or what is wrong with it."""
    if not member.isreg() or member.issparse():
        sample.fault = sample.fault or Refused("not_a_regular_file", member.name)
    elif suffix not in SUFFIXES:
        return  # audio, captions: jamify's loader does not read them either
    elif suffix in sample.members:
        sample.fault = sample.fault or Refused("duplicate_member", suffix)
    elif member.size > MAX_MEMBER_BYTES:
        sample.fault = sample.fault or Refused(
            "too_large", f"{suffix}: {member.size} bytes, limit {MAX_MEMBER_BYTES}"
        )
    else:
        stream = tar.extractfile(member)
        sample.members[suffix] = stream.read() if stream else b""


def _key_and_suffix(name: str) -> tuple[str, str]:
    """webdataset's rule: the key ends at the first dot of the file's own name."""
    folder, slash, base = name.removeprefix("./").rpartition("/")
    stem, _, suffix = base.partition(".")
    return folder + slash + stem, suffix.lower()
