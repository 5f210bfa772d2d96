"""Released weights (a `Card`): where they lie on this machine or on a hub, how they are downloaded, whether they are whole, and which revision they are.

Nothing is downloaded unless `download` is called: a hub id is looked up in the hub's cache on this machine, and what
``package:`` names among the installed packages.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.engine.fingerprint import installed
from tasks.engine.stage import BadModel
from tasks.models.config_code import refuse_code
from tasks.models.packaged_weights import PREFIX, find_packaged, packaged_weights
from tasks.storage.file_hashes import remembered_sha256

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
ZIPPED = frozenset({".pt", ".th", ".ckpt", ".bin"})
REVISION_CHARS = 12
MAX_JSON_BYTES = 50_000_000
MAX_REASON_CHARS = 2_000
"""Of an error's text; what a library or a server says is shorter, unless a whole page or every tensor stands in it."""


@dataclass(frozen=True)
class Card:
    """One set of weights a real model needs, and what they are.

    `section` and `field`: the setting that says where they lie (``models.separator.demucs``, ``weights``). `files`:
    glob patterns under the weights folder, each of which must match; none when the weights are one file. Of
    ``*.safetensors|*.th`` the first that matches counts.
    `subfolder`: where they lie in a hub repository that holds more. `released_at` and `licence`: where their
    authors give them, and on which terms.
    """

    name: str
    section: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    released_at: str
    licence: str
    field: str = "weights"
    subfolder: str = ""

    @property
    def setting(self) -> str:
        """The full name of the setting, for messages."""
        return f"{self.section}.{self.field}"

    @property
    def revision_setting(self) -> str:
        """The full name of the setting that pins a hub id: ``weights`` have a ``revision``, ``muq_weights`` a ``muq_revision``."""
        own = self.field.endswith("weights")
        return f"{self.section}.{self.field.replace('weights', 'revision') if own else 'revision'}"


def require_packages(card: Card) -> None:
    """Raises a BadModel naming every distribution that is not installed."""
    lacking = [name for name in card.packages if installed(name) is None]
    if lacking:
        are = f"package {lacking[0]} is" if len(lacking) == 1 else f"packages {', '.join(lacking)} are"
        raise BadModel(f"{card.section}: {are} not installed; run `pip install 'jam-lifecycle[real]'`")


def reason_of(error: BaseException) -> str:
    """All that an error says, in one line; what could move the cursor of a terminal is left out."""
    said = "".join(letter for letter in " ".join(str(error).split()) if letter.isprintable())
    if len(said) > MAX_REASON_CHARS:
        said = f"{said[:MAX_REASON_CHARS].rpartition(' ')[0]} ..."
    return said.rstrip(".") or type(error).__name__


def find_weights(card: Card, weights: str, revision: str | None) -> Path:
    """The file or folder that holds the weights, every file there and none cut short.

    The one file a card names may be given itself: its folder is found.

    Raises:
        BadModel: there is no such path or package, the hub's cache lacks it, files are missing (all are named), one is empty,
            truncated or, of a package, not the pinned one; or a config beside them chooses code.
    """
    packaged = packaged_weights(card.setting, weights)
    path = find_packaged(card.setting, packaged) if packaged else Path(weights).expanduser()
    if packaged and not card.files and len(packaged.files) == 1:
        path = path / next(iter(packaged.files))
    if not path.exists():
        if not HUB_ID.fullmatch(weights):
            raise BadModel(f"{card.setting}: {weights} does not exist; give a file, a folder or a hub id")
        path = _cached(card, weights, revision)
    if card.subfolder and (path / card.subfolder).is_dir():
        path = path / card.subfolder
    if path.is_file() and card.files == (path.name,):
        path = path.parent
    for file in _files(card, path):
        _check_whole(card.setting, file)
    if path.is_dir():
        refuse_code(card.setting, path)
    return path


def weights_revision(card: Card, weights: str, revision: str | None) -> str:
    """Which weights these are: the commit of a hub id, or the sha256 of the files, 12 hex digits of it; of a package's
    with their name before.
    """
    path = find_weights(card, weights, revision)
    packaged = weights.startswith(PREFIX)
    if not packaged and not Path(weights).expanduser().exists():
        return path.parts[path.parts.index("snapshots") + 1][:REVISION_CHARS]
    files = _files(card, path)
    if len(files) == 1 and files[0] == path:
        return remembered_sha256(path)[:REVISION_CHARS]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path).as_posix()} {remembered_sha256(file)}\n".encode())
    name = f"{weights.removeprefix(PREFIX)}-" if packaged else ""
    return name + digest.hexdigest()[:REVISION_CHARS]


def weights_bytes(card: Card, weights: str, revision: str | None) -> int:
    """How large the files of the weights are together."""
    return sum(file.stat().st_size for file in _files(card, find_weights(card, weights, revision)))


@contextmanager
def loading(card: Card, path: Path) -> Iterator[Path]:
    """Turns whatever a loader raises on damaged or foreign weights into a BadModel of one line.

    Wrap the loading alone: an error of running the model is no fault of the file.
    """
    try:
        yield path
    except (BadModel, MemoryError):
        raise
    except Exception as error:  # loaders of nine packages raise what they like
        raise BadModel(
            f"{card.setting}: {path} cannot be loaded as {card.name} "
            f"({type(error).__name__}: {reason_of(error)}); give the weights of {card.released_at}"
        ) from error


def download(card: Card, weights: str, revision: str | None) -> Path:
    """Gets the weights of a hub id into the hub's cache, at this revision only.

    Raises:
        BadModel: not a hub id, or the hub cannot be reached or refuses.
    """
    if packaged := packaged_weights(card.setting, weights):
        raise BadModel(f"{card.setting}: {weights} comes in a package; run `{packaged.command}`")
    if not HUB_ID.fullmatch(weights) or Path(weights).expanduser().exists():
        raise BadModel(f"{card.setting}: {weights} is no hub id; get the file from {card.released_at}")
    _require_hub(card)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(weights, revision=revision, allow_patterns=_patterns(card)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason, began = reason_of(error), _began_with(error)
        if isinstance(error, LocalEntryNotFoundError) and began is not error:
            reason += f"; it began with {type(began).__name__}: {reason_of(began)}"
        raise BadModel(
            f"{card.setting}: {weights} cannot be downloaded ({reason}); mend that and run this again, or get the files "
            f"elsewhere and give their folder: --set {card.setting}=FOLDER"
        ) from error


def _began_with(error: BaseException) -> BaseException:
    """The error that others were raised of."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


def _cached(card: Card, weights: str, revision: str | None) -> Path:
    _require_hub(card)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(weights, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        meant = "" if weights == card.released_at else f" --set {card.setting}={weights}"
        meant += f" --set {card.revision_setting}={revision}" if revision else ""
        at = f" at revision {revision}" if revision else ""
        raise BadModel(
            f"{card.setting}: {weights}{at} is not on this machine; "
            f"`jam doctor --download {card.section.removeprefix('models.')}{meant}` gets it, or give a folder that holds it"
        ) from None


def _require_hub(card: Card) -> None:
    if installed("huggingface_hub") is None:
        raise BadModel(
            f"{card.setting}: a hub id needs huggingface_hub; run `pip install 'jam-lifecycle[real]'`"
        )


def _patterns(card: Card) -> list[str] | None:
    prefix = f"{card.subfolder}/" if card.subfolder else ""
    return [prefix + choice for pattern in card.files for choice in pattern.split("|")] or None


def _files(card: Card, path: Path) -> list[Path]:
    """The files that are the weights, in name order.

    Raises:
        BadModel: patterns of the card match nothing; each is named.
    """
    if path.is_file():
        if card.files:
            raise BadModel(f"{card.setting}: {path} is a file; give the folder with {', '.join(card.files)}")
        return [path]
    if not card.files:
        raise BadModel(f"{card.setting}: {path} is a folder; give the file of {card.released_at}")
    found: set[Path] = set()
    lacking: list[str] = []
    for pattern in card.files:
        choices = pattern.split("|")
        matches = ([match for match in path.glob(choice) if match.is_file()] for choice in choices)
        first = next(filter(None, matches), None)
        if first is None:
            lacking.append(" or ".join(choices))
        else:
            found.update(first)
    if lacking:
        raise BadModel(
            f"{card.setting}: {path} holds no {', no '.join(lacking)}; give the folder of {card.released_at}"
        )
    return sorted(found)


def _check_whole(setting: str, file: Path) -> None:
    """Cheap signs of a download that stopped half-way; no tensor is read."""
    size = file.stat().st_size
    fault = "is empty" if size == 0 else None
    if fault is None and file.suffix == ".safetensors":
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = stream.read(length) if 2 <= length <= size - 8 else b""
        fault = _safetensors_fault(header, size - 8 - length)
    elif fault is None and file.suffix in ZIPPED and not zipfile.is_zipfile(file):
        with file.open("rb") as stream:
            begins_as_zip = stream.read(4) == b"PK\x03\x04"
        fault = "ends before its last byte" if begins_as_zip else None
    elif fault is None and file.suffix == ".json" and size <= MAX_JSON_BYTES:
        try:
            json.loads(file.read_bytes())
        except (ValueError, RecursionError):
            fault = "is no whole JSON"
    if fault is not None:
        raise BadModel(f"{setting}: {file} {fault}; get it again")


def _safetensors_fault(header: bytes, data_bytes: int) -> str | None:
    try:
        tensors = json.loads(header)
        ends = [entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return "is no safetensors file"
    return "ends before its last tensor" if max(ends, default=0) > data_bytes else None
