"""JSON of words and lines with times, as recognisers, aligners and players write it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms import word_json
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.read import read_lyrics
from tests.every import every
from tests.tasks.lyrics.forms.damage import SONGS, line_starts, made_song, read_back, stated, survives

GENTLE = {
    "transcript": "Open the window\nlet it in",
    "words": [
        {
            "alignedWord": "open",
            "case": "success",
            "start": 1.0,
            "end": 1.4,
            "startOffset": 0,
            "word": "Open",
        },
        {"case": "not-found-in-audio", "startOffset": 5, "endOffset": 8, "word": "the"},
        {
            "alignedWord": "window",
            "case": "success",
            "start": 1.6,
            "end": 2.0,
            "startOffset": 9,
            "word": "window",
        },
        {"alignedWord": "let", "case": "success", "start": 3.0, "end": 3.2, "startOffset": 16, "word": "let"},
        {"alignedWord": "it", "case": "success", "start": 3.2, "end": 3.4, "startOffset": 20, "word": "it"},
        {"alignedWord": "in", "case": "success", "start": 3.4, "end": 3.9, "startOffset": 23, "word": "in"},
    ],
}
WORDS = [("open", 1.0, 1.5), ("gate", 1.5, 2.0)]


def read(value: Any) -> Lyrics:
    text = value if isinstance(value, str) else json.dumps(value)
    return read_lyrics(text.encode(), 100_000, 1000)


@every(
    ("who", "value"),
    [
        ("jamify", [{"word": "Open", "start": 1, "end": 1.5}, {"word": "gate", "start": 1.5, "end": 2}]),
        (
            "lines of objects",
            '{"word": "open", "start": 1, "end": 1.5}\n{"word": "gate", "start": 1.5, "end": 2}\n',
        ),
        (
            "NeMo's hypothesis",
            {
                "text": "open gate",
                "timestamp": {
                    "segment": [{"segment": "open gate", "start": 1.0, "end": 2.0}],
                    "word": [
                        {"word": "open", "start": 1.0, "end": 1.5},
                        {"word": "gate", "start": 1.5, "end": 2.0},
                    ],
                },
            },
        ),
        (
            "Whisper, whose words begin with a blank",
            {
                "text": " Open gate.",
                "segments": [
                    {
                        "start": 1.0,
                        "end": 2.0,
                        "text": " Open gate.",
                        "words": [
                            {"word": " Open", "start": 1.0, "end": 1.5, "probability": 0.9},
                            {"word": " gate", "start": 1.5, "end": 1.8, "probability": 0.9},
                            {"word": ".", "start": 1.8, "end": 2.0, "probability": 0.2},
                        ],
                    }
                ],
            },
        ),
        (
            "whisperX",
            {
                "segments": [
                    {
                        "start": 1.0,
                        "end": 2.0,
                        "text": "open gate",
                        "words": [
                            {"word": "open", "start": 1.0, "end": 1.5, "score": 0.9},
                            {"word": "gate", "start": 1.5, "end": 2.0, "score": 0.8},
                        ],
                    }
                ],
                "word_segments": [{"word": "other", "start": 1.0, "end": 1.5}],
            },
        ),
        (
            "transformers",
            {
                "text": " open gate",
                "chunks": [
                    {"text": " open", "timestamp": [1.0, 1.5]},
                    {"text": " gate", "timestamp": [1.5, 2.0]},
                ],
            },
        ),
        (
            "OpenAI, words beside segments",
            {
                "segments": [{"start": 1.0, "end": 2.0, "text": "open gate"}],
                "words": [
                    {"word": "open", "start": 1.0, "end": 1.5},
                    {"word": "gate", "start": 1.5, "end": 2.0},
                ],
            },
        ),
        (
            "Deepgram",
            {
                "results": {
                    "channels": [
                        {
                            "alternatives": [
                                {
                                    "transcript": "open gate",
                                    "words": [
                                        {"word": "open", "start": 1.0, "end": 1.5, "punctuated_word": "Open"},
                                        {
                                            "word": "gate",
                                            "start": 1.5,
                                            "end": 2.0,
                                            "punctuated_word": "gate.",
                                        },
                                    ],
                                }
                            ]
                        }
                    ]
                }
            },
        ),
        (
            "Suno, with breaks and labels in its words",
            {
                "aligned_words": [
                    {"word": "[Verse]\nOpen ", "success": True, "start_s": 1.0, "end_s": 1.5, "p_align": 0.9},
                    {"word": "gate\n", "success": True, "start_s": 1.5, "end_s": 2.0, "p_align": 0.9},
                ]
            },
        ),
        (
            "Google",
            {
                "results": [
                    {"alternatives": [{"words": [{"word": "open", "startTime": "1s", "endTime": "1.500s"}]}]},
                    {"alternatives": [{"words": [{"word": "gate", "startTime": "1.5s", "endTime": "2s"}]}]},
                ]
            },
        ),
        (
            "AWS",
            {
                "results": {
                    "items": [
                        {
                            "start_time": str(a),
                            "end_time": str(b),
                            "alternatives": [{"content": w}],
                            "type": "pronunciation",
                        }
                        for w, a, b in WORDS
                    ]
                }
            },
        ),
        (
            "ElevenLabs",
            {
                "words": [
                    {"text": "open", "start": 1.0, "end": 1.5, "type": "word"},
                    {"text": " ", "start": 1.5, "end": 1.5, "type": "spacing"},
                    {"text": "gate", "start": 1.5, "end": 2.0, "type": "word"},
                    {"text": "(laughter)", "start": 2.0, "end": 3.0, "type": "audio_event"},
                ]
            },
        ),
        (
            "MFA",
            {
                "start": 0,
                "end": 3,
                "tiers": {"words": {"type": "interval", "entries": [[a, b, w] for w, a, b in WORDS]}},
            },
        ),
        (
            "Vosk",
            {
                "result": [{"conf": 1.0, "word": w, "start": a, "end": b} for w, a, b in WORDS],
                "text": "open gate",
            },
        ),
        (
            "AssemblyAI, in milliseconds",
            {"words": [{"text": w, "start": int(1000 * a), "end": int(1000 * b)} for w, a, b in WORDS]},
        ),
        (
            "seconds as text",
            {"words": [{"text": w, "start_time": f"{a}s", "end_time": str(b)} for w, a, b in WORDS]},
        ),
        (
            "Musixmatch's richsync",
            [
                {
                    "ts": 1.0,
                    "te": 2.0,
                    "x": "open gate",
                    "l": [{"c": "open", "o": 0}, {"c": " ", "o": 0.5}, {"c": "gate", "o": 0.5}],
                },
                {"ts": 2.0, "te": 2.0, "x": "", "l": []},
            ],
        ),
        (
            "AMLL",
            [
                {
                    "words": [
                        {"startTime": 1000, "endTime": 1200, "word": "o"},
                        {"startTime": 1200, "endTime": 1500, "word": "pen "},
                        {"startTime": 1500, "endTime": 2000, "word": "gate"},
                    ],
                    "startTime": 1000,
                    "endTime": 2000,
                    "translatedLyric": "",
                    "isBG": False,
                }
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value[:4] and len(value) < 50 else "",
)
def test_words_of_every_writer_have_their_times(who: str, value: Any) -> None:
    lyrics = read(value)
    ends = [
        (word, start_s, end_s if "richsync" not in who or word == "open" else None)
        for word, start_s, end_s in WORDS
    ]
    found = stated(lyrics)
    assert [word[:2] for word in found] == [word[:2] for word in ends]
    assert all(end_s in (None, its_s) for (_, _, end_s), (_, _, its_s) in zip(ends, found, strict=True))


@every(
    "value",
    [
        {"segments": [{"start": 1, "end": 2.5, "text": " open gate"}, {"start": 3.0, "end": 4.0, "text": " let it in"}]},
        {"transcription": [{"offsets": {"from": 1000, "to": 2500}, "timestamps": {"from": "00:00:01,000", "to": "00:00:02,500"}, "text": " open gate"}, {"timestamps": {"from": "00:00:03,000", "to": "00:00:04,000"}, "text": " let it in"}]},
        {"fragments": [{"begin": "1.000", "end": "2.500", "id": "f1", "lines": ["open gate"]}, {"begin": "3.000", "end": "4.000", "id": "f2", "lines": ["let it in"]}]},
        {"lyrics": {"syncType": "LINE_SYNCED", "lines": [{"startTimeMs": "1000", "words": "open gate", "syllables": [], "endTimeMs": "0"}, {"startTimeMs": "3000", "words": "let it in", "endTimeMs": "0"}]}},
        [{"text": "open gate", "time": {"total": 1.0, "minutes": 0}}, {"text": "let it in", "time": {"total": 3.0}}],
        {"events": [{"tStartMs": 1000, "dDurationMs": 1500, "segs": [{"utf8": "open gate"}]}, {"tStartMs": 3000, "segs": [{"utf8": "let it in"}]}]},
        {"lyrics": [{"time": 1000, "text": "open gate"}, {"time": 3000, "text": "let it in"}]},
    ],
)  # fmt: skip
def test_lines_without_words_have_line_times(value: Any) -> None:
    assert line_starts(read(value)) == [("open gate", 1.0), ("let it in", 3.0)]


def test_gentle_keeps_its_lines_and_the_words_it_did_not_find() -> None:
    lyrics = read(GENTLE)
    assert lyrics.num_lines == 2
    assert stated(lyrics)[:3] == [("open", 1.0, 1.4), ("the", None, None), ("window", 1.6, 2.0)]


def test_a_backing_line_is_sung_beside_the_line_of_the_same_time() -> None:
    rows = [
        {
            "words": [{"startTime": 1000, "endTime": 2000, "word": "open gate"}],
            "startTime": 1000,
            "endTime": 2000,
        },
        {
            "words": [{"startTime": 1000, "endTime": 2000, "word": "(oh yeah)"}],
            "startTime": 1000,
            "isBG": True,
        },
    ]
    assert read(rows).words == ["open", "gate", "oh", "yeah"]


def test_youtube_counts_a_words_time_from_its_line() -> None:
    segments = [{"utf8": "open"}, {"utf8": " gate", "tOffsetMs": 500}]
    lyrics = read({"events": [{"tStartMs": 1000, "dDurationMs": 900, "segs": segments}]})
    assert [time and time.start_s for time in lyrics.times or ()] == [None, 1.5]


def test_one_bad_entry_costs_one_word() -> None:
    rows = [
        {"word": "open", "start": 1, "end": 2},
        None,
        {"start": 2},
        {"word": "gate", "start": "x", "end": 3},
    ]
    rows += [{"word": "let", "start": -1, "end": 4}, {"word": "in", "start": 4.5, "end": 5}]
    lyrics = read(rows)
    assert stated(lyrics) == [("open", 1, 2), ("gate", None, None), ("let", None, None), ("in", 4.5, 5)]
    assert sorted(remark.kind for remark in lyrics.remarks) == ["bad_time", "bad_time", "no_text", "no_text"]


@every(
    "value",
    [
        {"bpm": 96, "caption": "pop"},
        {"segments": [{"start": 0, "end": 9, "label": "verse"}]},
        [1, 2],
        {},
        [{"start": 0}],
    ],
)
def test_facts_of_a_song_are_no_words(value: Any) -> None:
    with pytest.raises(Refused, match="JSON without words") as error:
        read(value)
    assert error.value.reason == "not_lyrics"


@pytest.mark.parametrize("text", ['{"words": [{"word": "la", "sta', '[{"word": "la",}]', "[" * 5000 + '"'])
def test_damaged_json_is_never_read_as_plain_text(text: str) -> None:
    if text.startswith("[[["):
        text = '{"a":' * 5000
    with pytest.raises(Refused) as error:
        read(text)
    assert error.value.reason == "lyrics_malformed"


@pytest.mark.parametrize("ends", [True, False])
def test_a_song_comes_back_as_it_was_written(ends: bool) -> None:
    for seed in range(SONGS):
        song = made_song(seed, ends=ends, lines=False)
        lyrics = read_back(word_json.FORM, song)
        assert stated(lyrics) == [
            (one.text.strip().lower(), one.start_s and round(one.start_s, 4), lyrics_end(one.end_s))
            for one in song.lines[0].syllables
        ]


def lyrics_end(end_s: float | None) -> float:
    return float("inf") if end_s is None else round(end_s, 4)


@pytest.mark.parametrize("true", [GENTLE, [{"ts": 1.0, "te": 2.0, "x": "a b", "l": [{"c": "a", "o": 0}]}]])
def test_damaged_files_are_read_or_refused(true: Any) -> None:
    survives(json.dumps(true).encode())


def test_words_stand_in_the_lines_whose_numbers_they_all_state() -> None:
    rows = [
        {"word": word, "start": start_s, "end": start_s + 0.4} for start_s, word in enumerate(["a", "o", "u"])
    ]
    numbered = [{**row, "line": line} for row, line in zip(rows, (1, 1, 2), strict=True)]
    assert read(numbered).line_starts == read({"word": numbered}).line_starts == [0, 2]
    for odd in ([*numbered[:2], rows[2]], numbered[::-1], [{**row, "line": "1"} for row in rows]):
        assert read({"word": odd}).line_starts is None
