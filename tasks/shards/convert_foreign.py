"""Foreign WebDataset shards become safe ones of our own (`import_shards`): members checked (latents, phonemes, style), converted or refused sample by sample.

Nothing foreign runs and nothing is unpacked to a file. A sample that cannot be taken leaves a line with its
reason, so that taken + refused = found. Words without phonemes are phonemized, and every song gets a side of
the split by the rule `group` follows for a song alone.

Reasons: ``unsafe_name``, ``not_a_regular_file``, ``too_large``, ``duplicate_member``, ``duplicate_id``,
``missing_member``, ``bad_tensor``, ``bad_shape``, ``bad_lyrics``, ``phoneme_unknown``; of a whole shard ``shard_damaged``.

Shapes: T frames, C 128 latent channels (mean, then std), N style rows, S 512.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import LATENT_CHANNELS, STYLE_DIM, seconds_of_frames
from jam_model.shard_index import KINDS, SUFFIXES
from jam_model.tensors import MAX_MEMBER_BYTES, read_tensor
from jam_model.words import Word
from tasks.dedup.near_duplicates import words_hash
from tasks.dedup.sides import STRENGTH, SplitParams, own_split
from tasks.engine.column_file import SHARD_END
from tasks.engine.song import Refused
from tasks.lyrics.forms.word_json import word_seconds
from tasks.lyrics.lyrics import share
from tasks.lyrics.sung import sung_words
from tasks.models.phonemizer import Phonemizer, phonemized
from tasks.shards.read_foreign import Found, safe_id, samples_of
from tasks.shards.write import json_bytes, read_shard, sample_bytes, tensor_bytes, write_index
from tasks.songs.folder import MANIFEST_FACTS
from tasks.storage.files import atomic_path, write_json_lines

REFUSED_NAME = "refused.jsonl"
_SHARD_GLOB = "import-*.tar"


@dataclass(frozen=True)
class Imported:
    """What came of it: samples taken, and a line (`shard`, `id`, `reason`, `detail`) for each that was not."""

    num_samples: int
    refused: Sequence[Mapping[str, Any]]

    @property
    def reasons(self) -> dict[str, int]:
        """Refused samples by reason."""
        return dict(sorted(Counter(row["reason"] for row in self.refused).items()))


@dataclass(frozen=True)
class Importer:
    """Converts samples by the rules of our own stages: `group`'s shares, `phonemize`'s limit, `pack`'s format."""

    phonemizer: Phonemizer
    max_unknown_share: float
    shares: SplitParams
    tensor_format: str

    def row_and_fragment(self, found: Found) -> tuple[dict[str, Any], bytes]:
        """The sample's row of the index and its tar fragment.

        Raises:
            Refused: the sample cannot be taken.
        """
        if found.fault is not None:
            raise found.fault
        song_id = safe_id(found.key)
        suffix_of = {SUFFIXES[suffix]: suffix for suffix in found.members}
        missing = [kind for kind in KINDS if kind not in suffix_of]
        if missing:
            raise Refused("missing_member", " and ".join(missing))
        if len(suffix_of) < len(found.members):
            raise Refused("duplicate_member", ", ".join(sorted(found.members)))
        latent_CT, style_NS = (_tensor(found, suffix_of[kind]) for kind in ("latent", "style"))
        style_NS = np.atleast_2d(style_NS)
        if latent_CT.ndim != 2 or latent_CT.shape[0] != 2 * LATENT_CHANNELS or not latent_CT.shape[1]:
            raise Refused("bad_shape", f"latent {latent_CT.shape}, needs ({2 * LATENT_CHANNELS}, T)")
        if style_NS.ndim != 2 or style_NS.shape[1] != STYLE_DIM or not len(style_NS):
            raise Refused("bad_shape", f"style {style_NS.shape}, needs ({STYLE_DIM},) or (n, {STYLE_DIM})")
        lyrics = self._lyrics(found.members["json"], seconds_of_frames(latent_CT.shape[1]), latent_CT)
        if song_id != found.key:
            lyrics["source_id"] = found.key
        suffix = self.tensor_format
        members = {
            "json": json_bytes(lyrics),
            f"latent.{suffix}": tensor_bytes(latent_CT, suffix),
            f"style.{suffix}": tensor_bytes(style_NS[0] if len(style_NS) == 1 else style_NS, suffix),
        }
        if too_large := [name for name, data in members.items() if len(data) > MAX_MEMBER_BYTES]:
            raise Refused("too_large", f"{too_large[0]} as float32")
        row = {"id": song_id, "duration": lyrics["duration"], "split": lyrics["split"]}
        return row, sample_bytes(song_id, members)

    def _lyrics(self, data: bytes, duration_s: float, latent_CT: np.ndarray) -> dict[str, Any]:
        """Our lyrics object of a sample, in the form of `tasks.stages.pack.lyrics_json`."""
        try:
            lyrics = json.loads(data)
            lyrics = {"word": lyrics} if isinstance(lyrics, list) else lyrics
            rows = lyrics.get("word") if isinstance(lyrics, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise ValueError("no list of words as 'word'")
            words, filled, unknown = self._words(rows)
            entries = [word.to_json() for word in words]
            json_bytes({"word": entries})  # half a surrogate pair is no text
        except (ValueError, RecursionError) as error:
            raise Refused("bad_lyrics", str(error)[:200]) from error
        known = sum(len(word.phonemes or "") for word in filled)
        if unknown > self.max_unknown_share * (known + unknown):
            raise Refused("phoneme_unknown", f"{unknown} of {known + unknown} symbols")
        facts: dict[str, Any] = {key: _text(lyrics.get(key)) for key in MANIFEST_FACTS}
        texts = [text for word in words for text in sung_words(word.text)]
        split = lyrics.get("split")
        if split not in STRENGTH:
            content_hash = hashlib.sha256(latent_CT.tobytes()).hexdigest()
            split = own_split(facts["artist"], words_hash(texts), content_hash, self.shares)
        if filled:
            facts["phonemizer"] = self.phonemizer.identity
        return {"word": entries, "duration": duration_s, "split": split, **facts}

    def _words(self, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Word], list[Word], int]:
        """The words with phonemes; those of them that had to be phonemized, split into single words; their unknown symbols."""
        words: list[Word] = []
        for number, row in enumerate(rows):
            start_s, end_s = word_seconds(row, f"word {number}")
            text = _text(row.get("word"))
            word = Word.from_json({**row, "start": start_s, "end": end_s, "word": text})
            if word.phonemes is None and text is None:
                raise Refused("lyrics_malformed", f"word {number} has neither phoneme nor word")
            bare = word.phonemes is None
            words += share(sung_words(word.text), start_s, end_s) if bare else [word]
        filled, unknown = phonemized([word for word in words if word.phonemes is None], self.phonemizer)
        rest = iter(filled)
        return [next(rest) if word.phonemes is None else word for word in words], filled, unknown


def import_shards(
    shards: Sequence[Path], out: Path, importer: Importer, progress: Callable[[int, int], None]
) -> Imported:
    """Writes `out` as a folder of shards: one for each foreign one, the index, the id lists, ``refused.jsonl``.

    Raises:
        ValueError: `out` holds shards that no import wrote.
    """
    foreign = [path.name for path in sorted(out.glob("*.tar")) if not path.match(_SHARD_GLOB)]
    if foreign:
        raise ValueError(f"out: {out} holds other shards ({foreign[0]}); give an empty folder")
    rows: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    taken: set[str] = set()
    names = [f"import-{number:05d}.tar" for number in range(len(shards))]
    for done, (name, path) in enumerate(zip(names, shards, strict=True), start=1):
        with atomic_path(out / name) as temporary, temporary.open("wb") as file:
            for found in samples_of(path):
                try:
                    row, fragment = importer.row_and_fragment(found)
                    if row["id"] in taken:
                        raise Refused("duplicate_id", row["id"])
                except Refused as refusal:
                    refused.append(_line(path, found, refusal))
                    continue
                taken.add(row["id"])
                rows.append(row)
                file.write(fragment)
            file.write(SHARD_END)
            file.flush()
        progress(done, len(shards))
    for stale in out.glob(_SHARD_GLOB):
        if stale.name not in names:
            stale.unlink()
    write_json_lines(out / REFUSED_NAME, refused)
    write_index(out, [read_shard(out / name) for name in names], rows)
    return Imported(len(rows), refused)


def _line(path: Path, found: Found, refusal: Refused) -> dict[str, str]:
    """A line of the refused list; what is no UTF-8 is shown with escapes."""
    told = {"shard": path.name, "id": found.key, "reason": refusal.reason, "detail": refusal.detail}
    return {key: text.encode("utf-8", "backslashreplace").decode() for key, text in told.items()}


def _tensor(found: Found, suffix: str) -> np.ndarray:
    try:
        return np.ascontiguousarray(read_tensor(found.members[suffix], suffix, suffix))
    except ValueError as error:
        raise Refused("bad_tensor", str(error)) from error


def _text(value: Any) -> str | None:
    """A text that is not empty and can be written, or None."""
    is_text = isinstance(value, str) and value and value.encode("utf-8", "replace").decode() == value
    return value if is_text else None
