"""What a person asks a song to follow becomes arrays: chords as they are written, melodies of any form, scores that are sung."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.frames import frames_of_seconds
from tasks.audio.read import flac_bytes
from tasks.lyrics.forms import musicxml, ultrastar
from tasks.lyrics.parts.smf import chunk, length
from tasks.lyrics.parts.written import Line, Syllable, Written
from tasks.lyrics.read import read_lyrics
from tasks.lyrics.tune import melody_in, melody_of
from tasks.prompts.chord_text import chords_in
from tasks.prompts.control_prompts import ControlMakers, ControlRequest, check_files, controls_of, request_of
from tasks.prompts.one_song import OneSong, write_request
from tasks.shards.control_frames import chord_index

PARAMS = load_params()
LIMITS = PARAMS.ingest
MAKERS = ControlMakers(
    PARAMS.audio,
    PARAMS.models.melody,
    PARAMS.models.separator,
    PARAMS.models.codec,
    PARAMS.drums,
    PARAMS.sketch,
    LIMITS.max_lyrics_bytes,
    LIMITS.max_lyrics_words,
)
SUNG = (  # seconds, MIDI number, text; a word of two syllables, one held over two notes, a rest
    (0.5, 1.0, 60, "ma"),
    (1.0, 1.5, 62, "ny "),
    (1.5, 2.0, 64, "nights "),
    (2.0, 2.5, 65, ""),
    (3.0, 3.5, 67, "a"),
    (3.5, 4.5, 60, "lone "),
)
NAMES = ["many", "nights", "alone"]


def _midi() -> bytes:
    """The toy song with a tempo change at its second second and notes under running status."""
    events = [(0, 0, b"\xff\x51\x03" + (500_000).to_bytes(3, "big"))]  # 480 ticks a beat: 960 a second
    events += [(1920, 0, b"\xff\x51\x03" + (750_000).to_bytes(3, "big"))]  # from 2 s on 640 a second

    def tick(time_s: float) -> int:
        return round(time_s * 960 if time_s <= 2 else 1920 + (time_s - 2) * 640)

    for start, end, pitch, text in SUNG:
        if text:
            events.append((tick(start), 1, b"\xff\x05" + length(len(text)) + text.encode()))
        events += [(tick(start), 2, bytes([pitch, 90])), (tick(end), 0, bytes([pitch, 0]))]
    data, now, status = b"", 0, b""
    for at, _, event in sorted(events, key=lambda event: event[:2]):
        is_note = event[0] != 0xFF
        data += length(at - now) + (b"\x90" if is_note and status != b"\x90" else b"") + event
        now, status = at, b"\x90" if is_note else b""
    return _wrapped(data)


def _wrapped(track: bytes) -> bytes:
    header = b"".join(number.to_bytes(2, "big") for number in (0, 1, 480))
    return chunk(b"MThd", header) + chunk(b"MTrk", track + b"\x00\xff\x2f\x00")


def _diffsinger() -> bytes:
    rest, words = (
        {"ph": "SP", "n": "rest"},
        [(0.5, 1.5, "M EH N IY", [60, 62]), (1.5, 2.5, "N AY T S", [64, 65])],
    )
    words.append((3.0, 4.5, "AH L OW N", [67, 60]))
    phones, lengths, groups, notes, note_lengths, now = [], [], [], [], [], 0.0
    for start, end, said, pitches in words:
        if start > now:
            phones, lengths, groups = [*phones, rest["ph"]], [*lengths, start - now], [*groups, 1]
            notes, note_lengths = [*notes, rest["n"]], [*note_lengths, start - now]
        each = said.split()
        phones, groups = [*phones, *each], [*groups, len(each)]
        lengths += [(end - start) / len(each)] * len(each)
        notes += [
            ("C4", "D4", "E4", "F4", "", "G4")[[60, 62, 64, 65, 0, 67].index(pitch)] for pitch in pitches
        ]
        note_lengths += [0.5, end - start - 0.5]
        now = end
    return json.dumps(
        [
            {
                "offset": 0.0,
                "text": " ".join(NAMES),
                "ph_seq": " ".join(phones),
                "ph_dur": " ".join(map(str, lengths)),
                "ph_num": " ".join(map(str, groups)),
                "note_seq": " ".join(notes),
                "note_dur": " ".join(map(str, note_lengths)),
            }
        ]
    ).encode()


def _scores() -> dict[str, bytes]:
    syllables = tuple(Syllable(text, start, end, pitch) for start, end, pitch, text in SUNG)
    written = Written((Line(syllables, 0.5, 4.5, 1),))
    return {
        "MIDI": _midi(),
        "MusicXML": musicxml.write(written),
        "UltraStar": ultrastar.write(written),
        "DiffSinger": _diffsinger(),
    }


def test_a_score_of_any_form_gives_the_same_words_times_and_notes_and_is_asked_for_whole(
    tmp_path: Path,
) -> None:
    found = {}
    for name, data in _scores().items():
        lyrics = read_lyrics(data, LIMITS.max_lyrics_bytes, LIMITS.max_lyrics_words)
        assert (lyrics.form, lyrics.words) == (name, NAMES), name
        times = [(word.start_s, word.end_s) for word in lyrics.times or () if word]
        np.testing.assert_allclose(times, [(0.5, 1.5), (1.5, 2.5), (3.0, 4.5)], atol=0.005, err_msg=name)
        tones = [(tone.start_s, tone.end_s, tone.pitch) for tone in melody_of(lyrics)]
        np.testing.assert_allclose(tones, [note[:3] for note in SUNG], atol=0.005, err_msg=name)
        (tmp_path / name).write_bytes(data)
        song = OneSong(tmp_path / name, "pop", None, None, is_score=True)
        made = write_request(
            song, PARAMS.models.phonemizer, PARAMS.rough_times, LIMITS, 288, tmp_path / "request"
        )
        row = json.loads(made.manifest.read_text())[0]
        assert row["duration"] == 5.5 and row["melody"] == row["lrc_path"] == str(tmp_path / name)
        asked = controls_of(request_of(row, {"melody": Path(row["melody"])}, None), 5.5, MAKERS)
        found[name] = asked["melody"]
        assert np.array_equal(found[name], found["MIDI"]) and list(asked) == ["melody"], name
    assert {*np.unique(found["MIDI"])} == {0, *(pitch - 42 for _, _, pitch, _ in SUNG)}
    bare = _wrapped(b"\x00\x90\x3c\x5a" + length(960) + b"\x3c\x00")
    for data, told in (
        (b"many nights alone", "states no times of its words"),
        (bare, "it has notes and no words; give the words as --lyrics"),
        (chunk(b"MThd", b"\0\0\0\1\0\0"), "MIDI: the division is 0 ticks"),
    ):
        (tmp_path / "score").write_bytes(data)
        with pytest.raises(ValueError, match=f"^score: .*{told}"):
            write_request(
                OneSong(tmp_path / "score", "pop", None, None, is_score=True),
                *(PARAMS.models.phonemizer, PARAMS.rough_times, LIMITS, 288, tmp_path / "request"),
            )


READ = (
    ("C G Am F", "C|G|A:min|F"),
    ("C G Am F | Dm7 G7 | C/E", "C G A:min F|D:min7 G:7|C/3"),
    ("|: C | F :| x3 G", "C|F|C|F|C|F|G"),
    ("C F\nG % \nC | % x2", "C F|G G|C|C|C|C"),
    ("Cmaj7 CM7 C△ A- Am7b5 F#dim B♭ N.C. C6/9 G7#5 E7(#9) C:min7/b3", "C:maj7|C:maj7|C:maj7|A:min|A:hdim7|F#:dim|Bb|N|C:maj6(9)|G:aug(b7)|E:7(#9)|C:min7/b3"),
)  # fmt: skip
REFUSED = (
    ({"chords": "C | H7", "bpm": 90}, r"chords: bar 2, chord 1: 'H7' is no chord \(write B for H"),
    ({"chords": "C | F Gfoo", "bpm": 90}, r"chords: bar 2, chord 2: 'Gfoo' is no chord"),
    ({"chords": "% C", "bpm": 90}, "has no bar before it"),
    ({"chords": "C x99", "bpm": 90}, "give x1 to x64"),
    ({"chords": "C " * 40 + "x64", "bpm": 90}, "2560 bars, at most 2000"),
    ({"chords": "C" * 30_000, "bpm": 90}, "30000 characters"),
    ({"chords": " | ", "bpm": 90}, "there is no chord"),
    ({"chords": "C G |: Am", "bpm": 90}, r"chords: '\|:' in front of bar 2 has no ':\|' behind it"),
    ({"chords": "|: C |: D :|", "bpm": 90}, r"'\|:' in front of bar 1 has no ':\|'"),
    ({"chords": "C Am(b5", "bpm": 90}, r"bar 2, chord 1: 'Am\(b5' is no chord \(its brackets do not match"),
    ({"chords": "C Am7b5)", "bpm": 90}, "its brackets do not match"),
    ({"chords": "C (x2", "bpm": 90}, "is no chord"),
    ({"chords": ["C"], "bpm": 90}, "is no text"),
    ({"chords": "C"}, "^chords: they need a tempo"),
)


NEITHER = r"is neither notes \(MIDI, MusicXML, UltraStar or .ds, at most \d+ bytes\) nor a sound: "
BROKEN = {
    "zero.mid": (chunk(b"MThd", b"\0\0\0\1\0\0"), "MIDI: the division is 0 ticks"),
    "empty.mid": (b"", NEITHER),
    "random.mid": (bytes(range(7, 255, 3)) * 9, NEITHER),
    "notes.txt": (b"some words\nand more\n", NEITHER),
}


def test_chords_are_read_as_they_are_written_and_what_cannot_be_followed_is_refused_in_one_line() -> None:
    for text, bars in READ:
        assert [" ".join(bar) for bar in chords_in(text).bars] == bars.split("|"), text
    for row, told in REFUSED:
        with pytest.raises(ValueError, match=told) as error:
            request_of(row, {}, row.get("bpm"))  # type: ignore[arg-type]
        assert "\n" not in str(error.value)


def test_what_is_asked_for_has_a_row_a_frame_until_the_song_ends(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "loop.flac").write_bytes(
        flac_bytes(random.uniform(-0.3, 0.3, (2, 44_100)).astype(np.float32), 44_100)
    )
    (tmp_path / "tune.mid").write_bytes(_wrapped(b"\x00\x90\x3c\x5a" + length(960) + b"\x3c\x00"))
    for name, (data, _) in BROKEN.items():
        (tmp_path / name).write_bytes(data)
    loop, tune = tmp_path / "loop.flac", tmp_path / "tune.mid"
    asked = ControlRequest(chords_in("3/4 C | F G"), 120.0, tune, loop, loop)
    made = controls_of(asked, 4.0, MAKERS)
    check_files(asked, 86, MAKERS)
    frames = frames_of_seconds(4.0)
    assert {name: array.shape for name, array in made.items()} == {
        "chords": (frames,),
        "melody": (frames,),
        "drums": (frames, 64),
        "audio": (frames, 64),
    }
    assert made["chords"][[0, 31, 34, 50, 66]].tolist() == [chord_index(x) for x in ("C", "C", "F", "G", "C")]
    assert made["melody"][:20].tolist() == [18.0] * 20 and not made["melody"][22:].any()
    assert np.array_equal(made["drums"][0], made["drums"][2]) and not np.array_equal(*made["drums"][[2, 3]])
    assert np.array_equal(made["audio"][5], made["audio"][9])
    for name, path, told in (
        ("melody", loop, "is a sound, and models.melody.model is none"),
        ("drums", tune, "drums: "),
        *(("melody", tmp_path / name, told) for name, (_, told) in BROKEN.items()),
    ):
        for make in (
            lambda asked: controls_of(asked, 4.0, MAKERS),
            lambda asked: check_files(asked, 86, MAKERS),
        ):
            with pytest.raises(ValueError, match=told) as error:
                make(replace(ControlRequest(), **{name: path}))
            assert str(error.value).startswith(f"{name}: "), path
    assert [tone.pitch for tone in melody_in(tune.read_bytes(), 1000, 10)] == [60]
