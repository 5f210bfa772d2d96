"""JSON that holds lyrics as one text (or two, compared by their letters) among other facts of a song (ACE-Step, LRCLIB, NetEase, NeMo), and Muse's messages: sections with a label, a description and lyrics.

The sidecars of ACE-Step 1.5 and Side-Step (``lyrics``), LRCLIB's answer (``syncedLyrics``, ``plainLyrics``), NetEase's
(``lrc.lyric``), rows of a NeMo manifest and recognisers' answers (``text``); and Muse's messages, where each section has a
label, a description and its lyrics. The text inside is read as LRC or as plain text. Facts without lyrics fit nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.engine.song import Refused
from tasks.lyrics.forms import lrc, plain
from tasks.lyrics.parts.json_value import clean, language_of, parsed
from tasks.lyrics.parts.written import Form, Line, Remark, Written, plain_line

TEXTS = (
    *(
        "syncedLyrics",
        "synced_lyrics",
        "synced",
        "lrc",
        "lyrics",
        "lyric",
        "plainLyrics",
        "plain_lyrics",
        "plain",
    ),
    *("lyrics_text", "lyric_text", "text", "transcription", "transcript", "ground_truth", "gt_lyric"),
)
"""Names of lyrics, what states more before what states less."""
INSIDE = ("lrc", "lyrics", "lyric", "data", "result")
NAMES = ("title", "trackName", "track_name", "artist", "artistName", "artist_name")
INFERIOR = ("text", "transcription", "transcript")
DESCRIBED = ("caption", "prompt", "tags", "description")
"""Beside these a mere `text` may be another description."""
FIELD = re.compile(r"\[(desc|lyrics|phoneme)\s?:")
LABEL = re.compile(r"\[([^\[\]:\n]{1,40})\]\s{0,9}$")
LONGEST_LABEL = 52
ASKED_LABEL = re.compile(r"(\[[^\[\]:：\n]{1,40})(?:\s*[:：]([^\[\]\n]*))?\]")


def texts_of(value: Any, depth: int = 0) -> list[tuple[str, str]]:
    """The lyrics of a JSON value with their names, the one to read first."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict) or depth > 2:
        return []
    found: list[tuple[str, str]] = []
    for key in TEXTS:
        text = value.get(key)
        if isinstance(text, list) and text and all(isinstance(line, str) for line in text):
            text = "\n".join(text)
        if isinstance(text, str) and text.strip() and not _is_description(key, value, found):
            found.append((key, clean(text).replace("\r\n", "\n").replace("\r", "\n")))
    for key in INSIDE if not found else ():
        found += texts_of(value.get(key), depth + 1)
    return found


def _is_description(key: str, value: Mapping[str, Any], found: Sequence[Any]) -> bool:
    return key in INFERIOR and (bool(found) or any(name in value for name in DESCRIBED))


def fits(text: str) -> bool:
    """Whether it is JSON that holds lyrics as text; many songs in one fit too, to be refused by name."""
    value = parsed(text)
    return bool(texts_of(value)) or _num_songs(value) > 1


def _num_songs(value: Any) -> int:
    """How many entries of a list hold lyrics of their own."""
    return sum(bool(texts_of(row)) for row in value) if isinstance(value, list) else 0


def read(text: str) -> Written:
    value = parsed(text)
    if (songs := _num_songs(value)) > 1:
        raise Refused(
            "lyrics_malformed",
            f"the JSON holds the lyrics of {songs} songs; give each song a file with its own, or list them in a manifest",
        )
    (key, lyrics), *others = texts_of(value)
    written = lrc.read(lyrics) if lrc.fits(lyrics) else plain.read(lyrics)
    said = _letters("".join(line.text for line in written.lines))
    remarks = [
        Remark("other_text", 0, f"{other!r} has other words than {key!r}, which is read")
        for other, its in others
        if _letters(_without_stamps(its)) != said
    ]
    row = value[0] if isinstance(value, list) else value
    names = [row[name] for name in NAMES if isinstance(row.get(name), str)]
    language = language_of(value) or written.language
    return replace(
        written, names=(*written.names, *names), remarks=(*written.remarks, *remarks), language=language
    )


def _without_stamps(text: str) -> str:
    return "".join(line.text for line in lrc.read(text).lines) if lrc.fits(text) else text


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def write(written: Written) -> bytes:
    """ACE-Step's field ``lyrics``, plain text with labels; where words or lines have times, LRCLIB's two fields."""
    text = plain.write(written).decode()
    timed = any(
        line.start_s is not None or any(s.start_s is not None for s in line.syllables)
        for line in written.lines
    )
    facts = {"syncedLyrics": lrc.write(written).decode(), "plainLyrics": text} if timed else {"lyrics": text}
    return (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()


def messages_of(value: Any) -> list[str]:
    """What the user says in a talk with Muse; empty where it is none."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and "messages" in value[0]:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("messages")
    if not isinstance(value, list):
        return []
    turns = [turn for turn in value if isinstance(turn, dict) and turn.get("role") == "user"]
    said = [clean(turn["content"]) for turn in turns if isinstance(turn.get("content"), str)]
    return said if any("[lyrics:" in text for text in said) else []


def read_messages(text: str) -> Written:
    lines: list[Line] = []
    remarks: list[Remark] = []
    for number, said in enumerate(messages_of(parsed(text)), start=1):
        lines += _sections(said, number, remarks)
    return Written(tuple(lines), remarks=tuple(remarks))


def _sections(said: str, number: int, remarks: list[Remark]) -> Iterator[Line]:
    """A label line and the lyrics of each section of a message: a field ends where the next begins."""
    fields = list(FIELD.finditer(said))
    for place, field in enumerate(fields):
        before = fields[place - 1].end() if place else 0
        if label := LABEL.search(said[max(before, field.start() - LONGEST_LABEL) : field.start()]):
            yield plain_line(f"[{label[1].strip()}]", number)
        if field[1] != "lyrics":
            continue
        is_last = place + 1 == len(fields)
        lyrics = said[field.end() : len(said) if is_last else fields[place + 1].start()]
        next_label = None if is_last else LABEL.search(lyrics[-LONGEST_LABEL:])
        lyrics = (
            lyrics.rstrip()
            if next_label is None
            else lyrics.rstrip()[: -len(next_label[0].rstrip())].rstrip()
        )
        if not lyrics.endswith("]"):
            remarks.append(
                Remark("no_end", number, f"the lyrics of this message are not closed: {lyrics[-60:]}")
            )
        for row in lyrics.removesuffix("]").splitlines():
            if row.strip():
                yield plain_line(row, number)


def write_messages(written: Written) -> bytes:
    """Muse's messages, a section a turn, with what a label says that it should sound like. No times."""
    sections: list[tuple[str, list[str]]] = []
    for line in written.lines:
        text = line.text.strip()
        if asked := ASKED_LABEL.fullmatch(text):
            sections.append((f"{asked[1].rstrip()}][desc:{(asked[2] or '').strip()}]", []))
        elif text:
            if not sections:
                sections.append(("[Verse][desc:]", []))
            sections[-1][1].append(text.replace("[", "(").replace("]", ")"))
    messages = []
    for label, rows in sections:
        lyrics = "[lyrics:\n" + "\n".join(rows) + "]" if rows else ""
        messages += [
            {"role": "user", "content": f"{label}{lyrics}"},
            {"role": "assistant", "content": ""},
        ]
    return (json.dumps({"messages": messages}, ensure_ascii=False) + "\n").encode()


FORM = Form("lyrics in JSON", (".lyrics.json",), fits, read, write, has_labels=True)
MESSAGES = Form(
    "Muse's messages",
    (".jsonl",),
    lambda text: bool(messages_of(parsed(text))),
    read_messages,
    write_messages,
    has_labels=True,
)
