"""Lyrics of one song with a time for every word (tempo, duration, style), as `jam generate` would lay them, for the page to move."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jam_model.config import JamConfig
from jam_model.frames import seconds_of_frames
from jam_model.words import Word
from tasks.audio.limits import AudioParams
from tasks.engine.song import Refused
from tasks.jobs.ask import MAX_STYLE_CHARS, MAX_WORD_CHARS, check_seconds
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import PhonemizerParams
from tasks.prompts.jamify_manifest import PromptParams, read_requests
from tasks.prompts.one_song import OneSong, write_request
from tasks.prompts.predicted_times import Predictor
from tasks.prompts.prompt_words import PromptWords, told, words_of
from tasks.prompts.rough_times import MAX_BPM, MIN_BPM, RoughTimesParams
from tasks.stages.ingest import IngestParams

NO_STYLE = "song"
MIN_WORD_S = 0.05
"""Words that are laid into a stated length last at least this, on average; chosen, not measured."""
AT_THE_DESK = (
    ("generate: 'song': duration is", "duration_s:"),
    (", or the --checkpoint of a longer model", ""),
    ("duration: ", "duration_s: "),
    ("style text '", "style: '"),
    ("--duration in seconds", "duration_s"),
    ("--duration", "duration_s"),
    ("--bpm", "bpm"),
    ("--times", "times"),
)
"""What the command line says, and the page's words for it."""
REASON = re.compile(r"^(lyrics): [a-z]+(?:_[a-z]+)+: ")


@dataclass(frozen=True)
class LayParams:
    """The settings that decide words and their times, as `jam generate` has them."""

    audio: AudioParams
    ingest: IngestParams
    prompt: PromptParams
    phonemizer: PhonemizerParams
    rough_times: RoughTimesParams
    max_unknown_share: float


def laid_words(
    value: Any, params: LayParams, config: JamConfig, predictor: Predictor | None
) -> dict[str, Any]:
    """What the page asks (`lyrics`, `style`, `bpm` and `duration_s` or None, `times` None, rough or predicted) as words with times.

    Raises:
        ValueError: it names a field, or the lyrics cannot be sung by a model of this size; the line says why.
    """
    lyrics, style, bpm, duration_s, times = _asked(value)
    if duration_s is not None:
        check_seconds(duration_s, seconds_of_frames(config.max_frames))
        _check_within(lyrics, duration_s, params.ingest)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "song.txt"
        file.write_text(lyrics, encoding="utf-8")
        song = OneSong(file, style or NO_STYLE, bpm, duration_s, times)
        try:
            made = write_request(
                song,
                params.phonemizer,
                params.rough_times,
                params.ingest,
                config.max_frames,
                Path(folder) / "made",
                predictor,
            )
        except ValueError as error:
            raise ValueError(_refusal(str(error), file)) from None
        requests = read_requests(made.manifest, params.audio, params.ingest, params.prompt, config.max_frames)
        words = words_of(
            requests,
            params.phonemizer,
            params.rough_times,
            config.own_symbols,
            params.max_unknown_share,
            config.filler,
        )
    if requests.refused:
        raise ValueError(f"lyrics: {requests.refused[0].detail}")
    (found,) = words.values()
    _check_letters(found.words)
    if made.how and duration_s is not None and duration_s < (least_s := MIN_WORD_S * len(found.words)):
        raise ValueError(
            f"duration_s: {duration_s:g} s is too short for {len(found.words)} words; give {least_s:g} s or more "
            f"({MIN_WORD_S:g} s a word)"
        )
    remarks = [*told([("song", [*made.remarks, *found.remarks])])]
    return {
        **_laid_words(found),
        "duration_s": requests.songs[0].duration_s,
        "how": made.how or "as given",
        "remarks": remarks,
    }


def _check_within(text: str, duration_s: float, limits: IngestParams) -> None:
    """Whether everything that has a time of its own begins before the song ends; what cannot be read is told where it is laid."""
    try:
        lyrics = read_lyrics(text.encode(), limits.max_lyrics_bytes, limits.max_lyrics_words)
    except Refused:
        return
    timed = [*(lyrics.lines or ()), *(word for word in lyrics.times or () if word is not None)]
    late = next((one for one in timed if one.start_s >= duration_s), None)
    if late is not None:
        raise ValueError(
            f"lyrics: {' '.join(late.text.split())[:40]!r} begins at {late.start_s:g} s and the song ends at {duration_s:g} s; "
            "give a longer duration_s, or an earlier time"
        )


def _check_letters(words: Sequence[Word]) -> None:
    """Whether each could be asked for."""
    long = next((word.text for word in words if len(word.text) > MAX_WORD_CHARS), None)
    if long is not None:
        raise ValueError(
            f"lyrics: {long[:20]!r}… has {len(long)} characters; give words of at most {MAX_WORD_CHARS}"
        )


def _refusal(line: str, file: Path) -> str:
    """A refusal in the page's words, without the reason by which rows are counted."""
    for said, here in ((f"{file}: ", ""), (str(file), "the text"), *AT_THE_DESK):
        line = line.replace(said, here)
    return REASON.sub(r"\1: ", line)


def _laid_words(found: PromptWords) -> dict[str, Any]:
    starts = [*(found.lyrics.line_starts or (0,))]
    ends = [*starts[1:], len(found.words)]
    return {
        "words": [
            {
                "text": word.text,
                "start_s": round(word.start_s, 4),
                "end_s": round(word.end_s, 4),
                "phonemes": word.phonemes,
                "score": None,
                "unheard": not heard,
            }
            for word, heard in zip(found.words, found.is_heard, strict=True)
        ],
        "lines": [[first, end] for first, end in zip(starts, ends, strict=True) if end > first],
        "language": found.language,
        "phones": found.phones
        and [_shares(word, own) for word, own in zip(found.words, found.phones, strict=True)],
    }


def _shares(word: Word, phones: Sequence[Word]) -> list[tuple[str, float, float]]:
    length_s = word.end_s - word.start_s
    if length_s <= 0:
        return []
    at = [
        [min(1.0, max(0.0, (one - word.start_s) / length_s)) for one in (p.start_s, p.end_s)] for p in phones
    ]
    return [
        (phone.text, round(start, 4), round(end, 4)) for phone, (start, end) in zip(phones, at, strict=True)
    ]


def _asked(value: Any) -> tuple[str, str, float | None, float | None, str | None]:
    fields = {"lyrics", "style", "bpm", "duration_s", "times"}
    if not isinstance(value, Mapping) or value.keys() != fields:
        raise ValueError(f"words: give {', '.join(sorted(fields))}")
    lyrics, style, times = value["lyrics"], value["style"], value["times"]
    if not isinstance(lyrics, str) or not lyrics.strip():
        raise ValueError("lyrics: type or paste some words")
    if any("\ud800" <= sign <= "\udfff" for sign in lyrics + (style if isinstance(style, str) else "")):
        raise ValueError("lyrics: half a character stands in the text, or in style; paste it anew")
    if not isinstance(style, str) or len(style) > MAX_STYLE_CHARS:
        raise ValueError(f"style: give at most {MAX_STYLE_CHARS} characters")
    if times not in (None, "rough", "predicted"):
        raise ValueError("times: give rough or predicted, or none")
    for name in ("bpm", "duration_s"):
        if value[name] is not None and type(value[name]) not in (int, float):
            raise ValueError(f"{name}: give a number, or none")
    if value["bpm"] is not None and not MIN_BPM <= value["bpm"] <= MAX_BPM:
        raise ValueError(f"bpm: {str(value['bpm'])[:20]}; give {MIN_BPM:g} to {MAX_BPM:g}, or none")
    return lyrics, " ".join(style.split()), value["bpm"], value["duration_s"], times
