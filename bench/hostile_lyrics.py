"""Readers of lyrics in every form, and of what lyrics files hold beside words: times, notes, parts."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache, partial

import numpy as np
from hostile_inputs import TEXTS, damaged, odd_json, words
from hostile_scratch import Reader, Scratch, Unaccounted

from jam_model.words import Word
from tasks.lyrics.convert import convert
from tasks.lyrics.lyrics import Label, Lyrics, Note
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.parts.section_labels import SECTION_LABELS
from tasks.lyrics.read import FORMS, read_lyrics, read_parts, read_phones
from tasks.lyrics.tune import has_notes, melody_in
from tasks.prompts.control_prompts import frames_of_tones
from tasks.prompts.predicted_times import written_times
from tasks.times.sections import sections_of_times

PART_NAMES = ("intro", "verse", "chorus", "solo", "bridge")


class LyricsReaders(Scratch):
    """Each reads one damaged input."""

    def targets(self) -> dict[str, Reader]:
        """The readers by name."""
        return {
            "lyrics .json": self.lyrics_json,
            "lyrics .lrc and .txt": self.lyrics_text,
            **{f"lyrics: {name}": partial(self.lyrics_form, name) for name in _lyrics_files()},
            "written word times": self.written_times,
            "melody of notes": self.melody,
            "parts in time": self.parts,
        }

    def lyrics_json(self, random: np.random.Generator) -> None:
        data = odd_json(words(), random)
        if random.random() < 0.3:
            data = damaged(data, [data], random)
        self._lyrics(data)

    def lyrics_text(self, random: np.random.Generator) -> None:
        lines = ["[ti:Moon]", "[offset:+50]", "[00:01.50]<00:01.50>moon <00:02.00>light", "[00:03]over me x2"]
        seeds = ["\n".join(lines).encode(), "Verse 1:\n[Chorus]\nmoon (moon)\n".encode("utf-16")]
        seeds += [text.encode("utf-8", "surrogatepass") for text in TEXTS]
        data = damaged(seeds[int(random.integers(len(seeds)))], seeds, random)
        self._lyrics(data)

    def lyrics_form(self, name: str, random: np.random.Generator) -> None:
        """A song in one form, damaged with pieces of all forms."""
        files = _lyrics_files()
        self._lyrics(damaged(files[name], [*files.values()], random))

    def _lyrics(self, data: bytes) -> None:
        limits = self.params.ingest
        decode_text(data)
        read_phones(data)
        read_parts(data)
        read_lyrics(data, limits.max_lyrics_bytes, limits.max_lyrics_words)

    def parts(self, random: np.random.Generator) -> None:
        """Parts of a song with their times in every form that states them, placed in a song of 12 s."""
        rows = [
            {"label": f"{name} {n}", "start": 2.0 * n, "end": 2.0 * n + 2}
            for n, name in enumerate(PART_NAMES)
        ]
        said = " ; ".join(f"[{row['label']}][{row['start']}:{row['end']}]moon." for row in rows)
        labels = "".join(f"{row['start']:.3f}\t{row['end']:.3f}\t{row['label']}\n" for row in rows)
        pairs = [*([row["start"], row["label"]] for row in rows), [12.0, "end"]]
        files = [odd_json(rows, random), odd_json({"segments": rows}, random), said.encode(), labels.encode()]
        files.append(odd_json({"labels": pairs}, random))
        data = files[int(random.integers(len(files)))]
        if random.random() < 0.5:
            data = damaged(data, files, random)
        found = sections_of_times(read_parts(data), 12.0)
        bounds_s = [bound for one in found for bound in (one.start_s, one.end_s)]
        if bounds_s != sorted(bounds_s) or any(not 0 <= bound <= 12 for bound in bounds_s):
            raise Unaccounted("parts out of order")
        if any(one.label not in SECTION_LABELS for one in found):
            raise Unaccounted("a label of no set")

    def written_times(self, random: np.random.Generator) -> None:
        """Times as a language model writes them, whole words of the song and damaged ones."""
        rows = words()
        data = odd_json({"word": rows}, random)
        if random.random() < 0.5:
            data = damaged(b"Here:\n```json\n" + data + b"\n```", [data], random)
        file = self.fresh("times") / "answer.txt"
        file.write_bytes(data)
        texts = [str(row["word"]) for row in rows]
        times, _, _ = written_times(Lyrics(texts), file, 12.0)
        bounds_s = [bound for word in times.words for bound in (word.start_s, word.end_s)]
        if (
            [word.text for word in times.words] != texts
            or bounds_s != sorted(bounds_s)
            or bounds_s[-1] > 12.001
        ):
            raise Unaccounted("times out of order")

    def melody(self, random: np.random.Generator) -> None:
        """Files of notes in every form that has some, damaged."""
        files = [data for name, data in _lyrics_files().items() if has_notes(data)]
        data = damaged(files[int(random.integers(len(files)))], files, random)
        limits = self.params.ingest
        if not has_notes(data):
            raise ValueError("no form with notes")
        tones = melody_in(data, limits.max_lyrics_bytes, limits.max_lyrics_words)
        frames_of_tones(tones, 645)


@cache
def _lyrics_files() -> dict[str, bytes]:
    """One song in every form, with notes and a label."""
    words = [Word(f"moon{number}", number / 2, number / 2 + 0.4) for number in range(12)]
    lines = [
        Word(" ".join(word.text for word in words[first : first + 4]), first / 2, first / 2 + 2)
        for first in (0, 4, 8)
    ]
    notes = [Note(number, word.start_s, word.end_s, 60 + number) for number, word in enumerate(words)]
    song = Lyrics(
        [word.text for word in words], [*words], lines, [0, 4, 8], notes=notes, labels=[Label(4, "Chorus")]
    )
    files = {form.name: convert(song, form).data for form in FORMS if form.write}
    segment = {
        "offset": 1.0,
        "text": "SP moon light AP",
        "ph_seq": "SP m uw n l ay t AP",
        "ph_num": "1 3 3 1",
    }
    segment |= {"ph_dur": "0.1 0.1 0.2 0.1 0.1 0.2 0.1 0.4", "note_seq": "rest C4 D4 rest"}
    files["DiffSinger"] = json.dumps([segment | {"note_dur": "0.1 0.4 0.4 0.4"}]).encode()
    files["table"] = b"start\tend\ttext\n1000\t1500\tmoon light\n1500\t2000\tover me\n"
    files["chord sheet"] = b"{title: Moon}\n{start_of_chorus}\n[G]Moon [D7]light\n{end_of_chorus}\n"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("song.musicxml", files["MusicXML"])
    files["zipped MusicXML"] = zipped.getvalue()
    if missing := {form.name for form in FORMS} ^ files.keys():
        raise ValueError(f"forms: no file to damage for {sorted(missing)}")
    return files
