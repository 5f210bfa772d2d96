"""Readers of what reaches the desk: questions and songs asked by its page, and its files of edits, jobs, choices and what songs are to follow."""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from hostile_inputs import damaged, odd_json
from hostile_scratch import Reader, Scratch, Unaccounted

from flows.pipelines.control_makers import makers_of
from flows.settings.project import Project, WorkFolder
from tasks.audio.read import flac_bytes
from tasks.choices.store import CHOICES, add_choice, choices_of, consistency, peoples_pairs, wins_of
from tasks.choices.trials import Trial
from tasks.desk.candidates import job_facts
from tasks.desk.index import SongIndex
from tasks.desk.query import Wanted, counts_of, songs_page
from tasks.edits.kinds import APPROVE, WORDS, for_pipeline
from tasks.edits.store import EDITS, FIRST, add_edit, all_edits
from tasks.jobs.ask import Ask
from tasks.jobs.files import FOLLOWED, copied, file_of, receiving
from tasks.jobs.store import add_job, read_job
from tasks.prompts.control_prompts import check_files, request_of

TUNE = bytes.fromhex("4d546864000000060000000101e04d54726b0000000c00903c5a87403c0000ff2f00")
"""MIDI: one note of two beats."""
ASKED = {
    "name": "moon",
    "words": [["moon", 0.5, 1.0], ["light", 1.0, 2.5]],
    "line_starts": [0, 1],
    "duration_s": 4.0,
    "style": "warm pop",
    "style_song": "",
    "candidates": 2,
    "seed": 1,
    "language": "en",
    "phones": [[["m", 0.0, 0.5], ["n", 0.5, 1.0]], []],
    "chords": "C G | Am F",
    "bpm": 96,
    "melody": hashlib.sha256(TUNE).hexdigest(),
}


@cache
def _sounds() -> tuple[bytes, ...]:
    """A tenth of a second of noise as FLAC and as WAV."""
    noise_CN = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 4410)).astype(np.float32)
    wav = io.BytesIO()
    soundfile.write(wav, noise_CN.T, 44_100, format="WAV")
    return flac_bytes(noise_CN, 44_100), wav.getvalue()


def sent(root: Path, data: bytes) -> str:
    """A file that the page sent, in pieces; its hash."""
    with receiving(root) as coming:
        for first in range(0, len(data), 4096):
            coming.take(data[first : first + 4096])
        return coming.keep()


class DeskReaders(Scratch):
    """Each reads one damaged input."""

    def targets(self) -> dict[str, Reader]:
        """The readers by name."""
        return {
            "edit by hand": self.edit,
            "question to the desk": self.question,
            "song asked at the desk": self.ask,
            "job of the desk": self.job,
            "file to follow": self.followed,
            "choice by ear": self.choice,
        }

    def ask(self, random: np.random.Generator) -> None:
        """An ask of the page with an odd value anywhere; what is taken is written and read again as it is."""
        try:
            ask = Ask.from_json(json.loads(odd_json(ASKED, random)), "w")
        except RecursionError as error:  # answered as any other that is not understood
            raise ValueError("job: nested too deeply") from error
        root = self.fresh("asked")
        sent(root, TUNE)
        job_facts(add_job(root, ask))

    def job(self, random: np.random.Generator) -> None:
        """A job's file with an odd value anywhere, or damaged bytes."""
        root = self.fresh("jobs")
        sent(root, TUNE)
        path = add_job(root, Ask.from_json(ASKED, "w")).folder / "job.json"
        fields = json.loads(path.read_bytes())
        data = (
            odd_json(fields, random)
            if random.random() < 0.5
            else damaged(path.read_bytes(), [path.read_bytes()], random)
        )
        path.write_bytes(data)
        job_facts(read_job(path.parent))

    def followed(self, random: np.random.Generator) -> None:
        """A melody or a sound that is sent to be followed, damaged, in pieces; what is taken is what the job gets."""
        seeds = [TUNE, *_sounds()]
        name = FOLLOWED[int(random.integers(2))]
        data = damaged(seeds[int(random.integers(len(seeds)))], seeds, random)
        root = self.fresh("followed")
        digest = sent(root, data)
        makers = makers_of(Project(self.params, WorkFolder(root)))
        check_files(request_of({}, {name: file_of(root, name, digest)}, None), 645, makers)
        if copied(root, name, digest) != data:
            raise Unaccounted("other bytes")

    def choice(self, random: np.random.Generator) -> None:
        """A choice with an odd value anywhere, or damaged bytes, beside another."""
        root, key = self.fresh("chosen"), "ab" * 6
        for trial in (Trial(1, "p", "p-0", "p-1"), Trial(2, "p", "p-1", "p-0", 1)):
            add_choice(root, key, "ann", trial, "a")
        path = next((root / CHOICES / key).glob("*/00001.json"))
        whole = path.read_bytes()
        path.write_bytes(
            odd_json(json.loads(whole), random) if random.random() < 0.5 else damaged(whole, [whole], random)
        )
        choices = choices_of(root, key)
        peoples_pairs(choices), consistency(choices), wins_of(choices)

    def edit(self, random: np.random.Generator) -> None:
        """An edit with an odd value anywhere, or damaged bytes, at the end of a row of two."""
        root, song = self.fresh("edited"), "ab" * 32
        value = {"made_on": "x", "words": ["moon", "light"], "times": [[0.5, 1.0], [1.0, 2.5]]}
        first = add_edit(root, song, "a", FIRST, WORDS, value)
        last = add_edit(root, song, "a", first.id, APPROVE, {"reason": "<b>"})
        kept = [root / EDITS / song / edit.name for edit in (first, last)]
        path = kept[int(random.integers(2))]
        fields = json.loads(path.read_bytes())
        data = odd_json(fields, random)
        if random.random() < 0.5:
            data = damaged(path.read_bytes(), [one.read_bytes() for one in kept], random)
        path.write_bytes(data)
        for_pipeline(all_edits(root))

    def question(self, random: np.random.Generator) -> None:
        """Odd filters, asked of an index without songs."""
        chosen = {"state": ["kept", None], "license": ["a"]}
        asked = {"search": "moon%", "chosen": chosen, "ranges": {"alignment": [0.1, 0.9]}}
        try:
            wanted = Wanted.from_json(json.loads(odd_json(asked, random)))
        except RecursionError as error:  # the desk answers it as any other question it does not understand
            raise ValueError("where: nested too deeply") from error
        index = SongIndex(self.fresh("index"), ("sources",), self.fresh("desk") / "index.sqlite")
        with index.open() as rows:
            songs_page(rows, wanted, "title", False, 0, 10)
            counts_of(rows, wanted, "license")
