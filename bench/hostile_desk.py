"""Readers of what reaches the desk: questions and songs asked by its page, and its files of edits, jobs and choices."""

from __future__ import annotations

import json

import numpy as np
from hostile_inputs import damaged, odd_json
from hostile_scratch import Reader, Scratch

from tasks.choices.store import CHOICES, add_choice, choices_of, consistency, peoples_pairs, wins_of
from tasks.choices.trials import Trial
from tasks.desk.candidates import job_facts
from tasks.desk.index import SongIndex
from tasks.desk.query import Wanted, counts_of, songs_page
from tasks.edits.kinds import APPROVE, WORDS, for_pipeline
from tasks.edits.store import EDITS, FIRST, add_edit, all_edits
from tasks.jobs.ask import Ask
from tasks.jobs.store import add_job, read_job

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
}


class DeskReaders(Scratch):
    """Each reads one damaged input."""

    def targets(self) -> dict[str, Reader]:
        """The readers by name."""
        return {
            "edit by hand": self.edit,
            "question to the desk": self.question,
            "song asked at the desk": self.ask,
            "job of the desk": self.job,
            "choice by ear": self.choice,
        }

    def ask(self, random: np.random.Generator) -> None:
        """An ask of the page with an odd value anywhere; what is taken is written and read again as it is."""
        try:
            ask = Ask.from_json(json.loads(odd_json(ASKED, random)), "w")
        except RecursionError as error:  # answered as any other that is not understood
            raise ValueError("job: nested too deeply") from error
        job_facts(add_job(self.fresh("asked"), ask))

    def job(self, random: np.random.Generator) -> None:
        """A job's file with an odd value anywhere, or damaged bytes."""
        path = add_job(self.fresh("jobs"), Ask.from_json(ASKED, "w")).folder / "job.json"
        fields = json.loads(path.read_bytes())
        data = (
            odd_json(fields, random)
            if random.random() < 0.5
            else damaged(path.read_bytes(), [path.read_bytes()], random)
        )
        path.write_bytes(data)
        job_facts(read_job(path.parent))

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
