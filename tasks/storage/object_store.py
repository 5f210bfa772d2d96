"""An object store (S3 url, bucket) as a work folder: `StorePath` is used like a path by pyarrow's filesystem, and a file in it is whole or not there.

A URL is read as pyarrow reads it: ``s3://bucket/prefix?endpoint_override=host:9000&scheme=http``, ``gs://...``.
Credentials come from the environment alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from tasks.storage.retry import with_retries

SCHEMES = ("s3", "gs")
SPOOL_PREFIX = "jam-"
CHUNK_BYTES = 1 << 24

# The type checker takes a place for a Path. At run time it has only what stands here, so that a step from a store
# onto the local disk is an AttributeError (or a TypeError of `open`), never a wrong file.
if TYPE_CHECKING:
    from pyarrow import fs

    AsPath = Path
else:
    AsPath = object


def place_of(text: str | Path, field: str = "work") -> Path:
    """A folder on this machine (a path, or ``file://``), or a place in an object store; `field` asks for it.

    Raises:
        ValueError: an unknown scheme, no bucket, or credentials in the URL.
    """
    if not isinstance(text, str) or "://" not in text:
        return text if isinstance(text, StorePath) else Path(text)
    url = urlsplit(text)
    if url.scheme == "file":
        return Path(unquote(url.path))
    if url.scheme not in SCHEMES:
        raise ValueError(
            f"{field}: {url.scheme}:// is no store; give a folder, file://, {':// or '.join(SCHEMES)}://"
        )
    secret = [name for name, _ in parse_qsl(url.query) if "key" in name or "token" in name]
    if "@" in url.netloc or secret:
        raise ValueError(f"{field}: the URL holds credentials; take them out and set them in the environment")
    if not url.netloc:
        raise ValueError(f"{field}: {url.scheme}:// names no bucket; give {url.scheme}://bucket/prefix")
    return StorePath(url.scheme, PurePosixPath(url.netloc, unquote(url.path).strip("/")), url.query)


class StoredFile(NamedTuple):
    """What `StorePath.stat` knows."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, repr=False)
class StorePath(AsPath):
    """A place in a store, with the methods of a path that a work folder needs; `path` begins with the bucket."""

    scheme: str
    path: PurePosixPath
    options: str = ""
    listed: StoredFile | None = field(default=None, compare=False)  # by `files_below`

    def _at(self, path: PurePosixPath) -> StorePath:
        return StorePath(self.scheme, path, self.options)

    @property
    def filesystem(self) -> fs.FileSystem:
        """The store, opened once a process."""
        return _filesystem(self.scheme, self.path.parts[0], self.options)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}" + (f"?{self.options}" if self.options else "")

    __repr__ = __str__

    def __lt__(self, other: Any) -> bool:
        return (self.scheme, self.path) < (other.scheme, other.path)

    def __truediv__(self, part: Any) -> StorePath:
        return self._at(self.path / part)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def suffix(self) -> str:
        return self.path.suffix

    @property
    def parent(self) -> StorePath:
        return self._at(self.path.parent)

    @property
    def parents(self) -> tuple[StorePath, ...]:  # type: ignore[override]
        return tuple(self._at(path) for path in self.path.parents if path.parts)

    def with_suffix(self, suffix: str) -> StorePath:
        return self._at(self.path.with_suffix(suffix))

    def with_name(self, name: str) -> StorePath:
        return self._at(self.path.with_name(name))

    def relative_to(self, other: StorePath) -> PurePosixPath:  # type: ignore[override]
        return self.path.relative_to(other.path)

    def resolve(self, strict: bool = False) -> StorePath:
        return self

    def as_uri(self) -> str:
        return str(self)

    def _info(self) -> fs.FileInfo:
        return with_retries(lambda: self.filesystem.get_file_info(str(self.path)))

    def exists(self) -> bool:  # type: ignore[override]
        return self._info().type.name != "NotFound"

    def is_file(self) -> bool:  # type: ignore[override]
        return self._info().is_file

    def is_dir(self) -> bool:  # type: ignore[override]
        """Whether anything lies below it."""
        return self._info().type.name == "Directory"

    def stat(self) -> StoredFile:  # type: ignore[override]
        """As the store says now, or as it said when it listed this place."""
        if self.listed is not None:
            return self.listed
        if not (info := self._info()).is_file:
            raise FileNotFoundError(str(self))
        return StoredFile(info.size, info.mtime_ns)

    def mkdir(self, *_: object, **__: object) -> None:
        """A store has no folders, only names."""

    def rmdir(self) -> None:
        """A store has no folders, only names."""

    def _listing(self, recursive: bool = False) -> list[fs.FileInfo]:
        from pyarrow import fs

        selector = fs.FileSelector(str(self.path), allow_not_found=True, recursive=recursive)
        return with_retries(lambda: self.filesystem.get_file_info(selector))

    def iterdir(self) -> Generator[StorePath]:
        """One listing."""
        yield from (self._at(PurePosixPath(info.path)) for info in self._listing())

    def glob(self, pattern: str) -> Iterator[StorePath]:  # type: ignore[override]
        """``part-*.tar``, ``*/done.json``: a listing for each folder that a wildcard stands for."""
        first, _, rest = pattern.partition("/")
        if first == "**":
            raise ValueError("a store is not searched to any depth; use `files_below`")
        if not set(first) & set("*?["):
            found = [self / first] if rest or (self / first).exists() else []
        else:
            found = sorted(place for place in self.iterdir() if fnmatchcase(place.name, first))
        return (below for place in found for below in (place.glob(rest) if rest else [place]))

    def files_below(self) -> list[StorePath]:
        """Every file at any depth, sorted, with its size and time: one listing."""
        files = [info for info in self._listing(recursive=True) if info.is_file]
        return sorted(
            StorePath(
                self.scheme, PurePosixPath(info.path), self.options, StoredFile(info.size, info.mtime_ns)
            )
            for info in files
        )

    def open(self, mode: str = "rb", *_: object) -> IO[bytes]:  # type: ignore[override]
        """For reading bytes only; files are written whole, by `upload`."""
        if mode != "rb":
            raise ValueError(f"{self}: a file in a store is opened to read bytes, not {mode!r}")
        return with_retries(lambda: self.filesystem.open_input_file(str(self.path)))

    def read_bytes(self) -> bytes:
        return with_retries(self._read)

    def _read(self) -> bytes:
        with self.open() as file:
            return file.read()

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:  # type: ignore[override]
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def write_bytes(self, data: Any) -> int:
        """The whole file in one write.

        A stream of pyarrow commits what it has when it is closed or collected, also after an exception. With one
        write there is no half of a file that it could commit: what the store did not take fails the close.
        """
        with_retries(lambda: self._write(data))
        return len(data)

    def _write(self, data: Any) -> None:
        stream = self.filesystem.open_output_stream(str(self.path))
        stream.write(data)
        stream.close()

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            with_retries(lambda: self.filesystem.delete_file(str(self.path)))
        except FileNotFoundError:
            if not missing_ok:
                raise


@cache
def _filesystem(scheme: str, bucket: str, options: str) -> fs.FileSystem:
    from pyarrow import fs

    if scheme == "s3" and "allow_delayed_open" not in options:
        options = "&".join(filter(None, [options, "allow_delayed_open=true"]))  # small files: one request
    return fs.FileSystem.from_uri(f"{scheme}://{bucket}" + (f"?{options}" if options else ""))[0]


def upload(source: Path, target: StorePath) -> None:
    """Put a finished local file into the store."""
    import pyarrow as pa

    if source.stat().st_size == 0:  # cannot be mapped
        target.write_bytes(b"")
        return
    with pa.memory_map(str(source)) as file:
        target.write_bytes(file.read_buffer())


def download(source: StorePath, target: Path) -> None:
    """A copy of a file of the store on this machine."""
    from pyarrow import fs

    target.parent.mkdir(parents=True, exist_ok=True)
    fs.copy_files(
        str(source.path), str(target), source.filesystem, fs.LocalFileSystem(), chunk_size=CHUNK_BYTES
    )


@contextmanager
def spool_folder() -> Iterator[Path]:
    """A folder on this machine (under TMPDIR) that goes with the context."""
    with tempfile.TemporaryDirectory(prefix=SPOOL_PREFIX) as folder:
        yield Path(folder)


@contextmanager
def local_file(path: Path) -> Iterator[Path]:
    """The file on this machine, for what can only read such: itself, or a copy that goes with the context."""
    if not isinstance(path, StorePath):
        yield path
        return
    with spool_folder() as folder:
        download(path, folder / path.name)
        yield folder / path.name


@contextmanager
def local_folder(place: Path) -> Iterator[Path]:
    """A folder on this machine to write into: itself, or a spool whose files go up when the context ends well."""
    if not isinstance(place, StorePath):
        place.mkdir(parents=True, exist_ok=True)
        yield place
        return
    with spool_folder() as folder:
        yield folder
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            upload(file, place / file.relative_to(folder).as_posix())
