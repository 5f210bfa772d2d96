"""A packed data set says what it holds, on which terms, and what made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.shards.data_card import card_text, data_card, write_data_card


def row(**facts: Any) -> dict[str, Any]:
    plain = {
        "drop_reason": None, "made_by": ["separate-v2 demucs-v1@abc"], "duration_s": 1800.0, "split": "train",
        "license": None, "source": None, "artist": None, "language": None, "masked": [],
    }  # fmt: skip
    return {**plain, **facts}


def test_songs_and_hours_are_told_by_licence_and_what_nobody_said_is_unknown() -> None:
    card = data_card([row(license="CC0", artist="Ann"), row(license="CC0"), row(), row(drop_reason="silent")])
    assert (card["songs"], card["songs_in"], card["hours"]) == (3, 4, 1.5)
    assert card["licenses"] == {"CC0": {"songs": 2, "hours": 1.0}, "unknown": {"songs": 1, "hours": 0.5}}
    assert card["artists"] == 1 and card["songs_without_artist"] == 2 and card["drops"] == {"silent": 1}
    assert not {"languages_read", "unchecked", "by_language"} & card.keys()
    dropped = row(drop_reason="language_not_covered", stated_language="zh-TW")
    mixed = data_card(
        [row(song_language="ko", unchecked=True), row(song_language="en", unchecked=False), dropped]
    )
    assert [
        (one["language"], one["songs_in"], one["kept"], one["hours"]) for one in mixed["by_language"]
    ] == [*(("en", 1, 1, 0.5), ("ko", 1, 1, 0.5), ("zh", 1, 0, 0.0))]
    assert "| zh | 1 | 0 | 0.00 | `language_not_covered` 1 |" in card_text(mixed)
    assert mixed["languages_read"]["ko"] == {"songs": 1, "hours": 0.5} and mixed["unchecked"] == 1
    assert "| ko | 1 |" in card_text(mixed) and "1 kept song on given times, unchecked" in card_text(mixed)


def test_flaws_of_files_and_delays_that_they_do_not_state_are_counted() -> None:
    rows = [
        row(audio_remarks=["joined: 2 files", "bytes_behind: 3"]),
        row(audio_remarks=["joined: 3 files"], unstated_delay_s=0.025057),
        row(audio_remarks=[]),
    ]
    card = data_card(rows)
    assert card["audio_remarks"] == {"bytes_behind": 1, "joined": 2} and card["unstated_delays_ms"] == {
        "25.06": 1
    }
    text = card_text(card)
    assert "| joined | 2 |" in text and "1 song 25.06 ms: the encoder's delay is not stated" in text
    assert "remark on" not in card_text(data_card([row()])) and "delay" not in card_text(data_card([row()]))


def test_remarks_on_lyrics_and_on_given_times_are_counted_by_songs() -> None:
    credit = [{"kind": "credit", "count": 3, "examples": ["line 1: by x"]}]
    rows = [
        row(lyrics_remarks=credit, lyrics_labels=[{"before": 0, "text": "Verse"}]),
        row(
            lyrics_remarks=credit,
            claim_remark="lines are 3.0 s late, shifted; the times of 2 of 9 lines fit nowhere",
        ),
        row(claim_remark="lines are 0.8 s late, shifted"),
        row(drop_reason="silent", lyrics_remarks=credit),
    ]
    card = data_card(rows)
    assert card["lyrics_remarks"] == {"credit": 2, "labels_kept": 1}
    assert card["claim_remarks"] == {
        "lines are N s late, shifted": 2,
        "the times of N of N lines fit nowhere": 1,
    }
    assert "| lines are N s late, shifted | 2 |" in card_text(card)
    assert card_text(data_card([row()])).startswith(
        "# Data card\n\n1 song, 0.50 hours, by 0 named artists\n(1 song without one)"
    )


def test_a_stand_in_stamps_the_card() -> None:
    assert data_card([row()])["stamp"] is None
    stamped = data_card([row(made_by=["encode-v1 embedded/vocoder@1"])])
    assert "stand-in, not a result" in card_text(stamped)


def test_text_of_a_manifest_stays_inside_its_cell() -> None:
    text = card_text(data_card([row(source="a | b\n# title")]))
    assert "| a \\| b # title | 1 | 0.50 |" in text


def test_masked_seconds_and_those_left_out_for_them_are_counted() -> None:
    spans = [{"start_s": 1.0, "end_s": 2.5}, {"start_s": 7.0, "end_s": 8.0}]
    rows = [row(masked=spans), row(drop_reason="masked_left_out", masked=None), row(drop_reason="silent")]
    card = data_card(rows)
    assert (card["masked_s"], card["left_out_for_masks_s"]) == (2.5, 1800.0)
    assert "2.5 s of the kept songs are masked" in card_text(card) and "1800.0 s are left out" in card_text(
        card
    )
    assert "mask" not in card_text(data_card([row()]))


def test_equal_tables_give_equal_cards(tmp_path: Path) -> None:
    rows = [row(license="CC0"), row(source="x")]
    for name in ("one", "two"):
        write_data_card(tmp_path / name, rows)
    for file in ("data_card.json", "data_card.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
