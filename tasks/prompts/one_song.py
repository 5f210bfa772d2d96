"""One song's lyrics, tempo, duration and style as a manifest (`write_request`), with word times that can be edited; a row a candidate where they are predicted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eval.results.plural import counted
from tasks.engine.song import Refused
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Remark
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import Phonemizer, PhonemizerParams, build_phonemizer, for_song
from tasks.prompts.control_prompts import (
    FILES,
    ControlRequest,
    check_words_for_holes,
    request_of,
    text_of_chords,
)
from tasks.prompts.jamify_manifest import check_length
from tasks.prompts.predicted_times import Predictor, written_times
from tasks.prompts.prompt_words import prompt_words, song_lyrics, timed_roughly
from tasks.prompts.rough_times import RoughTimes, RoughTimesParams
from tasks.prompts.scores import score_length_s, why_no_score
from tasks.prompts.words_in_holes import timed_in_holes
from tasks.stages.ingest import IngestParams
from tasks.storage.files import first_bytes, write_bytes, write_json

ROUGH, PREDICTED = "rough", "predicted"


@dataclass(frozen=True)
class OneSong:
    """Lyrics in any form, a style in words, and what word times need.

    `times`: how words without times get some: ``rough``, ``predicted``, or a file that somebody wrote; None: predicted where a
    predictor stands, else rough. `candidates`: how many songs are asked for. `controls`: what it shall follow, by the fields of
    `control_prompts.FIELDS`: chords as text or in a file, `keep` as text, the others as paths. `is_score`: the lyrics' file has notes, and says how long the song is.

    Raises:
        ValueError: there is no such file, or no style; chords without a tempo or that cannot be read.
    """

    lyrics: Path
    style: str | None
    bpm: float | None
    duration_s: float | None
    times: str | Path | None = None
    candidates: int = 1
    controls: Mapping[str, str] = field(default_factory=dict)
    is_score: bool = False

    def __post_init__(self) -> None:
        if not self.style:
            raise ValueError("style: --lyrics needs --style, such as --style 'bright pop, female voice'")
        if not self.lyrics.is_file():
            name = "score" if self.is_score else "lyrics"
            raise ValueError(f"{name}: {self.lyrics} is no file; give the lyrics of one song")
        for name in FILES:
            if name in self.controls and not Path(self.controls[name]).is_file():
                raise ValueError(f"{name}: {self.controls[name]} is no file; give the one to follow")
        self.request()

    def request(self) -> ControlRequest:
        """What it shall follow, as far as that needs no lyrics.

        Raises:
            ValueError: as `request_of`.
        """
        asked = self.asked
        return request_of(asked, {name: Path(asked[name]) for name in FILES if name in asked}, self.bpm)

    @property
    def asked(self) -> dict[str, str]:
        """The fields of a manifest's row that ask for controls."""
        fields = {name: str(Path(path).resolve()) for name, path in self.controls.items() if name in FILES}
        if "keep" in self.controls:
            fields["keep"] = self.controls["keep"]
        if "chords" in self.controls:
            fields["chords"] = text_of_chords(self.controls["chords"])
        return fields


@dataclass(frozen=True)
class WrittenRequest:
    """The manifest, the lyrics with word times that its first row names, and, where these were made, what the given file lost, and
    how they were made; `rows`: one, or one a candidate, each with its own times; `duration_s`: of the first.
    """

    manifest: Path
    timed: Path
    remarks: list[Remark]
    how: str = ""
    rows: int = 1
    duration_s: float | None = None


def write_request(
    song: OneSong,
    phonemizer: PhonemizerParams,
    params: RoughTimesParams,
    limits: IngestParams,
    max_frames: int,
    folder: Path,
    predictor: Predictor | None = None,
) -> WrittenRequest:
    """Write the manifest into `folder`, for a model of `max_frames`; nothing is written where it cannot be sung.

    Words without times get some in an editable .json, as `song.times` says. Times that were edited there are never written over.

    Raises:
        ValueError: words without times and nothing to find them by, times without a length, a song too
            long for the model, or edited times stand in the way.
    """
    name = song.lyrics.stem
    data = first_bytes(song.lyrics, limits.max_lyrics_bytes)
    try:
        lyrics = read_lyrics(data, limits.max_lyrics_bytes, limits.max_lyrics_words, [name])
    except Refused as error:
        if song.is_score:
            raise ValueError(f"score: {song.lyrics}: {why_no_score(data, limits, error)}") from error
        raise ValueError(f"lyrics: {song.lyrics}: {error}") from error
    if song.is_score:
        length_s, melody = score_length_s(lyrics, song.lyrics), {"melody": str(song.lyrics)}
        song = replace(song, duration_s=song.duration_s or length_s, controls=melody | {**song.controls})
    _check_times(song, lyrics, max_frames, predictor is not None and song.times != ROUGH)
    in_holes = song.request().keep is not None and _is_plain(song, lyrics)
    check_words_for_holes(
        song.request(), in_holes or lyrics.times is not None or isinstance(song.times, Path)
    )
    if lyrics.times is not None and song.times is not None:
        raise ValueError(f"times: {song.lyrics} has times of its words, which are kept; leave out --times")
    timings: list[RoughTimes] = []
    how = ""
    if lyrics.times is None or _lacks_phones(lyrics, predictor):
        try:
            lyrics, language = song_lyrics(lyrics, phonemizer)
        except Refused as error:
            raise ValueError(f"lyrics: {song.lyrics}: {error}") from error
        said = for_song(build_phonemizer(phonemizer), language)
        if in_holes:
            timings, how = timed_in_holes(song.request(), lyrics, song.duration_s, said, params, limits)
        else:
            timings, how = _timed(song, lyrics, said, params, predictor)
        timings = [replace(times, language=language, labels=lyrics.labels) for times in timings]
        if song.duration_s is None:
            _check_length(song, timings[0].duration_s, max_frames)
    style = folder / f"{name}.style.txt"
    rows, files, lengths_s = [], [], []
    at = f" at {song.bpm:g} bpm" if song.bpm else ""
    asked: Sequence[RoughTimes | None] = timings or [None]
    for number, times in enumerate(asked):
        title = f"{name}_{number}" if number else name
        files.append(folder / f"{title}.json" if times else song.lyrics)
        if times:
            instead = f"generate with --lyrics {files[-1]} --duration SECONDS"
            write_times(times, files[-1], f"{song.lyrics}{at}", instead)
        duration_s = times.duration_s if times and song.duration_s is None else song.duration_s
        lengths_s.append(duration_s)
        named = {"lrc_path": str(files[-1].resolve()), "prompt_path": str(style.resolve()), **song.asked}
        tempo = {"bpm": song.bpm} if "chords" in named else {}
        rows.append({"id": title, **named, **tempo, "duration": duration_s})
    write_bytes(style, f"{song.style}\n".encode())
    manifest = folder / f"{name}.manifest.json"
    write_json(manifest, rows)
    remarks = [*lyrics.remarks] if timings else []  # else they are told as the lyrics are read
    return WrittenRequest(manifest, files[0], remarks, how, len(rows), lengths_s[0])


def _lacks_phones(lyrics: Lyrics, predictor: Predictor | None) -> bool:
    """Whether all words have times and none says when its phones are sung, which the model wants to know and the predictor tells."""
    return predictor is not None and predictor.phones and not lyrics.phones and all(lyrics.times or [None])


def _is_plain(song: OneSong, lyrics: Lyrics) -> bool:
    """Whether the words have no time at all, and nobody asks for any but rough ones."""
    return lyrics.times is None and lyrics.lines is None and song.times in (None, ROUGH)


def _timed(
    song: OneSong,
    lyrics: Lyrics,
    phonemizer: Phonemizer,
    params: RoughTimesParams,
    predictor: Predictor | None,
) -> tuple[list[RoughTimes], str]:
    """Times of words or phones that have none, and how they were made: of one song, or predicted ones of each candidate."""
    if isinstance(song.times, Path):
        written, _, told = written_times(lyrics, song.times, song.duration_s)
        return [written], f"those of {song.times}, {told}"
    if lyrics.times is not None:
        assert predictor is not None and song.duration_s is not None, "`_lacks_phones`, `_check_times`"
        words = prompt_words(lyrics, song.duration_s, song.bpm, phonemizer, params).words
        given = RoughTimes(words, song.duration_s, lyrics.line_starts or (0,))
        how = f"those of {song.lyrics}, their phones as predicted by {predictor.folder.name}"
        return [predictor.with_phones(given, song.style or "")], how
    is_bound = lyrics.lines is not None and song.bpm is None
    if song.times == PREDICTED and predictor is None:
        raise ValueError("times: no duration predictor stands in the work folder; run `jam durations` first")
    if predictor is None or song.times == ROUGH or (is_bound and not lyrics.has_lines_in_time):
        if song.times == PREDICTED:
            raise ValueError(
                f"times: {song.lyrics} has times of some lines alone; --times rough lays the words within them"
            )
        return [timed_roughly(lyrics, song.bpm, song.duration_s, phonemizer, params)], "rough ones"
    if is_bound:
        return _timed_in_lines(song, lyrics, phonemizer, predictor)
    timings = [
        predictor.times(lyrics, song.bpm, song.duration_s, phonemizer, song.style or "", candidate)
        for candidate in range(song.candidates)
    ]
    return timings, f"predicted ones by {predictor.folder.name}"


def _timed_in_lines(
    song: OneSong, lyrics: Lyrics, phonemizer: Phonemizer, predictor: Predictor
) -> tuple[list[RoughTimes], str]:
    """Predicted times of each candidate, whose lines begin when the lyrics say."""
    assert song.duration_s is not None, "`_check_times` asks for it"
    found = [
        predictor.times_in_lines(lyrics, song.duration_s, phonemizer, song.style or "", candidate)
        for candidate in range(song.candidates)
    ]
    num_lines, too_short = len(lyrics.lines or ()), found[0][1]
    how = f"predicted ones by {predictor.folder.name} within the times of {counted(num_lines, 'line')}"
    if too_short:
        how += f" ({too_short} too short for their words, dealt evenly)"
    return [times for times, _ in found], how


def _check_times(song: OneSong, lyrics: Lyrics, max_frames: int, is_predicted: bool) -> None:
    """All that can be refused before a model is loaded; a predictor finds a length by itself."""
    if song.duration_s is not None:
        _check_length(song, song.duration_s, max_frames)
    elif lyrics.times is not None or (lyrics.lines is not None and song.bpm is None):
        raise ValueError(
            f"duration: {song.lyrics} does not say how long the song is; give --duration in seconds"
        )
    elif song.bpm is None and not is_predicted and not isinstance(song.times, Path):
        raise ValueError(
            f"bpm: {song.lyrics} has no times; give --bpm or --duration, or lyrics with times of words or lines"
        )


def _check_length(song: OneSong, duration_s: float, max_frames: int) -> None:
    how = (
        "give a shorter --duration" if song.duration_s else "give fewer words, a higher --bpm or a --duration"
    )
    try:
        check_length(duration_s, max_frames, f"{how}, or the --checkpoint of a longer model")
    except Refused as error:
        raise ValueError(f"generate: {song.lyrics.stem!r}: {error.detail}") from error


def write_times(rough: RoughTimes, timed: Path, song: str, instead: str) -> None:
    """Word times in jamify's form; those that were edited are never written over.

    Raises:
        ValueError: the file holds other times than `song` would get; `instead` says how to generate with them.
    """
    times = rough.to_json()
    if not timed.is_file():
        write_json(timed, times)
    elif json.loads(timed.read_text(encoding="utf-8")) != times:
        raise ValueError(
            f"lyrics: {timed} holds other times than {song} would get; {instead}, or remove the file"
        )
