"""Words laid for the page are those that `jam generate` would ask for, and moved ones reach the model at the frame they were moved to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.desk.answers import read_json
from flows.desk.maker import Maker
from flows.desk.queue import JobQueue
from flows.settings.params import load_params
from flows.settings.project import Project
from jam_model.lyric_grid import SLOTS_A_SECOND, lyric_grid
from tasks.desk.candidates import candidate_sound, job_facts
from tasks.desk.lay_words import LayParams, laid_words
from tasks.desk.sounds import NoSound
from tasks.jobs.ask import Ask
from tasks.jobs.store import add_job
from tasks.prompts.jamify_manifest import read_requests
from tasks.prompts.prompt_words import words_of
from tests.tasks.stages.generated.test_generate import TINY

SLOT_S = 1 / SLOTS_A_SECOND
ASKED = {
    "lyrics": "moon light\n\nover <b>me\n",
    "style": "pop",
    "bpm": None,
    "duration_s": 12.0,
    "times": None,
}


def test_moved_words_reach_the_model_within_a_frame_and_other_words_stay(tmp_path: Path) -> None:
    params, config = load_params(), replace(TINY, max_frames=288)
    laying = LayParams(
        params.audio,
        params.ingest,
        params.prompt,
        params.models.phonemizer,
        params.rough_times,
        params.phonemize.max_unknown_share,
    )
    laid = laid_words(ASKED, laying, config, None)
    assert (laid["duration_s"], laid["how"]) == (12.0, "rough ones")
    assert [word["text"] for word in laid["words"]][:2] == ["moon", "light"] and laid["lines"][0] == [0, 2]
    words = [[word["text"], word["start_s"], word["end_s"]] for word in laid["words"]]
    words[1][1:] = [words[1][1] + 0.5, words[1][2] + 0.5]
    asked = {
        "name": "moon",
        "words": words,
        "line_starts": [first for first, _ in laid["lines"]],
        "duration_s": 12.0,
    }
    job = add_job(
        tmp_path, Ask.from_json({**asked, "style": "pop", "style_song": "", "candidates": 1, "seed": 1}, "w")
    )
    requests = read_requests(job.manifest, params.audio, params.ingest, params.prompt, config.max_frames)
    (found,) = words_of(requests, params.models.phonemizer, params.rough_times, "", 0.0).values()
    assert not found.is_rough
    for word, (text, start_s, end_s) in zip(found.words, words, strict=True):
        assert word.text == text and abs(word.start_s - start_s) < 0.001 and abs(word.end_s - end_s) < 0.001
    before = [
        replace(word, start_s=at["start_s"], end_s=at["end_s"])
        for word, at in zip(found.words, laid["words"], strict=True)
    ]
    grids = [np.asarray(lyric_grid(one, config.max_frames, 0, 258)) for one in (before, found.words)]
    moved = np.flatnonzero(grids[0] != grids[1]) * SLOT_S
    start_s, end_s = words[1][1:]
    assert len(moved) and start_s - 0.5 - SLOT_S <= moved.min() and moved.max() <= end_s + SLOT_S
    first = np.flatnonzero(grids[1] != grids[0])[np.searchsorted(moved, start_s - 0.05)] * SLOT_S
    assert abs(first - start_s) < 0.05
    facts = job_facts(job)
    assert facts["state"] == "waiting" and facts["songs"] == [] and json.dumps(facts)
    with pytest.raises(NoSound):
        candidate_sound(job, 0)
    for change, told in (
        ({"lyrics": " "}, "lyrics"),
        ({"duration_s": 1e9}, "^duration_s: 1000000000.0 s; this model makes 0.1 to 13.37 s$"),
        ({"duration_s": float("nan")}, "^duration_s: nan s; this model"),
        (
            {"duration_s": 0.1},
            r"^duration_s: 0.1 s is too short for 4 words; give 0.2 s or more \(0.05 s a word\)$",
        ),
        ({"duration_s": None}, "^bpm: the text has no times; give bpm or duration_s, or lyrics with times"),
        (
            {"duration_s": None, "bpm": 30, "lyrics": "moon\n" * 40},
            "^duration_s: .* give fewer words, a higher bpm or a duration_s$",
        ),
        ({"bpm": 10**400}, "^bpm: .*; give 30 to 300, or none$"),
        ({"duration_s": "1"}, "duration_s"),
        ({"times": "best"}, "times"),
        ({"more": 1}, "words: give"),
        ({"lyrics": "[Verse]"}, "^lyrics: plain text: no word is left"),
        (
            {"lyrics": "[00:01.00] moon\n[00:20.00] over me"},
            "^lyrics: 'over me' begins at 20 s and the song ends at 12 s; give a longer duration_s, or an earlier time$",
        ),
        (
            {"lyrics": "x" * 3000},
            "^lyrics: 'x{20}'… has 3000 characters; give words of at most 80$",
        ),
        ({"lyrics": "\ud800 moon"}, "^lyrics: half a character"),
    ):
        with pytest.raises(ValueError, match=told):
            laid_words({**ASKED, **change}, laying, config, None)
    maker = Maker(Project.as_run(tmp_path, None, []), None, JobQueue(tmp_path, ()))
    vars(maker).update(config=config, weights="w")
    whole = {**asked, "style": "pop", "style_song": "", "candidates": 1, "seed": 1}
    many = {"words": [["la", 0.0, 0.1]] * 5001, "line_starts": [0]}
    big = {
        "words": [["la", 0.0, 0.1]] * 5000,
        "line_starts": [0],
        "phones": [[["l", 0, 0.5], ["a", 0.5, 1]]] * 5000,
    }
    for change, told in (
        ({"style": "zzz"}, "^style: 'zzz' names no known tag; known: "),
        ({"duration_s": 13.4}, "^duration_s: 13.4 s; this model makes 0.1 to 13.37 s$"),
        (many, "^words: 5001; give at most 5000$"),
        ({"chords": "C G", "bpm": 96}, "^chords: this model follows none; leave them out"),
        ({"melody": "0" * 64}, "^melody: this model follows none; leave it out"),
        ({"drums": "../x"}, "^drums: give the sha256 of a file that was sent, or none$"),
        (big, "^words: [0-9]+ bytes as lyrics, at most 1000000; give fewer words, or no phones$"),
    ):
        with pytest.raises(ValueError, match=told):
            maker.ask({**whole, **change}, None)
    for sent, told in ((b"x", "'x' is no JSON from line 1, column 1 on"), (b"[" * 100_000, "too deep")):
        with pytest.raises(ValueError, match=f"^body: .*{told}"):
            read_json("body", sent)
