"""Training on phones where they are sung: out of shards into batches and pairs, or one line where they are not there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jam_model.batches import fixed_batches
from jam_model.checkpoint import save_model
from jam_model.dit import Jam
from jam_model.lyric_grid import lyric_grid
from jam_model.shards import Shards, decode_sample
from jam_model.words import Word
from tasks.preference.dpo import check_phones as check_pairs
from tasks.preference.pairs import Pair, read_pair_list, read_pairs, write_pair_list, write_pairs
from tasks.training.recipe import check_phones
from tests.jam_model.conftest import TINY
from tests.jam_model.test_shards import members_of, write_folder

ROWS = [
    {"word": 0, "phone": name, "start_s": start_s, "end_s": end_s, "score": None}
    for name, start_s, end_s in (("l", 0.1, 0.4), ("ʌ", 0.4, 0.45), ("v", 0.45, 0.6))
]
SUNG = replace(TINY, filler="sung", max_frames=32)


def with_phones(rows: object, seed: int = 1) -> dict[str, bytes]:
    return members_of(seed) | {"phones.json": json.dumps(rows).encode()}


def test_phones_come_out_of_shards_into_batches_and_pairs_or_their_lack_is_one_line(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "s", [{"a": with_phones(ROWS), "b": with_phones(None, 2)}])
    shards = Shards(folder, extras=SUNG.extras)
    told, untold = shards[0], shards[1]
    assert told.phones == [[Word(row["phone"], row["start_s"], row["end_s"]) for row in ROWS]]  # type: ignore[arg-type]
    assert untold.phones == [[]] and Shards(folder)[0].phones is None
    (batch,) = fixed_batches(shards, np.zeros(64, np.float32), 32, 2, SUNG.vocabulary, SUNG.filler)
    grids = batch.conditions.lyric_tokens_BL.tolist()
    assert grids[0] == lyric_grid(told.words, 32, 0, 20, filler="sung", phones=told.phones).tolist()
    assert grids[1] == lyric_grid(told.words, 32, 0, 20, filler="average_repeat").tolist() != grids[0]

    check_phones(SUNG, folder, 0)
    bare = write_folder(tmp_path / "bare", [{"a": with_phones(ROWS), "b": members_of(2)}])
    check_phones(TINY, bare, 0)
    with pytest.raises(
        ValueError,
        match=r"filler is sung, but .*1 of 2 songs have no phones\.json; prepare with phones\.times",
    ):
        check_phones(SUNG, bare, 0)

    pair = Pair(told, told.mean_TC, told.mean_TC + 1)
    bare_pair = Pair(replace(told, extras={}), told.mean_TC, told.mean_TC)
    first, second = write_pairs(tmp_path / "pairs", [pair]), write_pairs(tmp_path / "without", [bare_pair])
    assert "phones" not in (tmp_path / "without" / "pairs.json").read_text() and first.digest != second.digest
    assert read_pairs(tmp_path / "pairs")[0].prompt.phones == told.phones
    listed = write_pair_list(tmp_path / "list", [pair, bare_pair])
    assert [one.prompt.phones for one in read_pair_list(listed, vae_sampled=True)] == [told.phones, None]
    save_model(tmp_path / "policy", Jam(SUNG))
    check_pairs([pair], tmp_path / "policy")
    with pytest.raises(ValueError, match=r"1 of 2 prompts .* have no phones in time"):
        check_pairs([pair, bare_pair], tmp_path / "policy")

    for rows, why in (
        ({"word": 0}, "is no list of phones"),
        ([ROWS[0] | {"word": 1}], "of word 1"),
        ([ROWS[0] | {"word": True}], "of word True"),
        ([ROWS[0] | {"phone": ""}], "phone 0 is ''"),
        ([ROWS[0] | {"end_s": 0.0}], "phone 0 lasts from 0.1 to 0.0"),
        ([ROWS[0] | {"start_s": None}], "phone 0 lasts from None"),
        ([ROWS[0] | {"score": 2}], "phone 0 has the score 2"),
        ([ROWS[0] | {"score": "x"}], "phone 0"),
        (ROWS[::-1], "phone 1 begins at 0.4 s, before"),
    ):
        with pytest.raises(ValueError, match=rf"here: a\.phones\.json .*{why}"):
            decode_sample("a", with_phones(rows), "here", ["phones"])
