"""What can be compared by ear (`Comparison`) in a work folder: candidates of its rounds and jobs, two at a time, equally loud; a rater's progress."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.read import flac_bytes, read_bytes
from tasks.choices.store import A, B, Choice, add_choice, choices_of, consistency, peoples_pairs, wins_of
from tasks.choices.trials import PairSet, Trial, ring_set, round_set, trials_of
from tasks.desk.candidates import candidate_sound, job_facts
from tasks.desk.existing import column_files
from tasks.desk.song_row import large_value
from tasks.desk.sounds import NoSound
from tasks.engine.fingerprint import fingerprint
from tasks.jobs.store import Job, job_called, jobs_of
from tasks.prompts.output_folder import OutputParams, equally_loud
from tasks.storage.files import write_bytes

ROUNDS = "rounds"
LEVEL = OutputParams(ending="flac", lyrics=None, page=False, lufs=-18.0, peak=0.95)
"""Quieter than songs are written, so that nearly all reach it."""


@dataclass(frozen=True)
class Comparison:
    """A round or a job: its pairs, and where the sound of a candidate is. `name`: ``round-1`` or ``job-<id>``."""

    root: Path
    name: str
    title: str
    pairs: PairSet

    def trials(self, rater: str) -> list[Trial]:
        """Of a rater."""
        return trials_of(self.pairs, rater)

    def trial(self, rater: str, number: int) -> Trial:
        """One of them.

        Raises:
            ValueError: there is none of this number.
        """
        trials = self.trials(rater)
        if not 1 <= number <= len(trials):
            raise ValueError(f"trial: {number} is none of 1 to {len(trials)}")
        return trials[number - 1]

    def choices(self) -> list[Choice]:
        """Of all raters."""
        return choices_of(self.root, self.pairs.key)

    def choose(self, rater: str, number: int, side: str) -> Choice:
        """Keep an answer; see `add_choice`."""
        return add_choice(self.root, self.pairs.key, rater, self.trial(rater, number), side)

    def sound(self, folder: Path, rater: str, number: int, side: str) -> Path:
        """A FLAC file of one side of a trial, as loud as the other; kept in `folder`.

        Raises:
            NoSound: the sound of a candidate is gone.
            ValueError: no such trial or side.
        """
        trial = self.trial(rater, number)
        if side not in (A, B):
            raise ValueError(f"side: give {A} or {B}")
        own, other = (trial.a, trial.b) if side == A else (trial.b, trial.a)
        path = _cached_file(folder, self.pairs.key, own, other)
        if path.is_file():
            os.utime(path)
            return path
        mixes = equally_loud([self._mix(own), self._mix(other)], LEVEL)
        for mix_CN, kept in zip(mixes, (path, _cached_file(folder, self.pairs.key, other, own)), strict=True):
            write_bytes(kept, flac_bytes(mix_CN, SAMPLE_RATE_HZ))
        return path

    def _mix(self, candidate: str) -> np.ndarray:
        kind, _, rest = self.name.partition("-")
        if kind == "job":
            return read_bytes(candidate_sound(job_called(self.root, rest), int(candidate)).read_bytes())[0]
        table = self.root / ROUNDS / rest / "candidates"
        for files in column_files(table, ("generate",)).values():
            try:
                audio = large_value(files["generate"], candidate, "audio")
            except KeyError:
                continue
            if audio and audio["bytes"]:
                return read_bytes(audio["bytes"])[0]
        raise NoSound("sound: a candidate of this trial has no sound any more; generate the round again")


def comparisons(root: Path) -> list[Comparison]:
    """All that can be compared, rounds first."""
    numbers = sorted(
        int(path.parent.name)
        for path in (root / ROUNDS).glob("*/scores.parquet")
        if path.parent.name.isdecimal()
    )
    of_rounds = [_of_round(root, number) for number in numbers]
    return [
        *of_rounds,
        *(
            _of_job(root, job)
            for job in reversed(jobs_of(root))
            if job.state == "done" and job.ask.candidates > 1
        ),
    ]


def comparison(root: Path, name: str) -> Comparison:
    """One by its name.

    Raises:
        KeyError: there is none.
    """
    kind, _, rest = name.partition("-")
    if kind == "job":
        return _of_job(root, job_called(root, rest))
    if (
        kind != "round"
        or not rest.isdecimal()
        or len(rest) > 6
        or not (root / ROUNDS / rest / "scores.parquet").is_file()
    ):
        raise KeyError(name)
    return _of_round(root, int(rest))


def comparison_line(found: Comparison, rater: str) -> dict[str, Any]:
    """A comparison in the list; `rater`: whose answers are counted, empty for nobody's."""
    choices = found.choices()
    raters = sorted({choice.rater for choice in choices})
    trials = found.trials(rater) if rater else None
    given = {(choice.prompt, choice.a, choice.b) for choice in choices if choice.rater == rater}
    return {
        "name": found.name,
        "title": found.title,
        "pairs": len(found.pairs.pairs),
        "raters": raters,
        "choices": len(choices),
        "mine": sum((trial.prompt, trial.a, trial.b) in given for trial in trials or ()),
        "trials": None if trials is None else len(trials),
    }


def progress(found: Comparison, rater: str) -> dict[str, Any]:
    """How far a rater is; what their answers come to, once all are given. No candidate is named before."""
    trials, choices = found.trials(rater), found.choices()
    given = {(choice.prompt, choice.a, choice.b) for choice in choices if choice.rater == rater}
    left = [trial.number for trial in trials if (trial.prompt, trial.a, trial.b) not in given]
    facts: dict[str, Any] = {
        "name": found.name,
        "title": found.title,
        "trials": len(trials),
        "answered": len(trials) - len(left),
        "next": left[0] if left else None,
    }
    return facts if left else {**facts, "result": _result(choices, rater)}


def _result(choices: list[Choice], rater: str) -> dict[str, Any]:
    mine = [choice for choice in choices if choice.rater == rater]
    alike, twice = consistency(mine).get(rater, (0, 0))
    pairs = peoples_pairs(mine)
    wins = sorted(wins_of(mine).items(), key=lambda one: (-one[1][0] / one[1][1], one[0]))
    return {
        "alike": alike,
        "twice": twice,
        "pairs": sum(not pair.is_tie for pair in pairs.values()),
        "prompts": len(pairs),
        "wins": [{"candidate": name, "won": won, "heard": heard} for name, (won, heard) in wins],
    }


def _of_round(root: Path, number: int) -> Comparison:
    pairs = round_set(root / ROUNDS / str(number) / "scores.parquet")
    return Comparison(root, f"round-{number}", f"Round {number}", pairs)


def _of_job(root: Path, job: Job) -> Comparison:
    made = [song for song in job_facts(job)["songs"] if not song["reason"]]
    facts: Mapping[str, Any] = {"job": job.id, "made": [song["settings"] for song in made]}
    pairs = ring_set(fingerprint(facts), job.ask.name, [str(song["candidate"]) for song in made])
    return Comparison(root, f"job-{job.id}", f"{job.ask.name}, {len(made)} candidates", pairs)


def _cached_file(folder: Path, key: str, own: str, other: str) -> Path:
    return folder / f"{hashlib.sha256(f'{key}/{own}/{other}'.encode()).hexdigest()[:32]}.flac"
