"""Which song a person means: an id, a title, how either begins; or what is near."""

from __future__ import annotations

from tasks.upkeep.find_song import not_found, songs_called

ROWS = [
    {"song_id": "moon-0123456789ab", "title": "Moon"},
    {"song_id": "moon-river-0123456789ab", "title": "Moon River"},
    {"song_id": "lune-0123456789ab", "title": None},
]


def ids(name: str) -> list[str]:
    return [row["song_id"].rpartition("-")[0] for row in songs_called(ROWS, name)]


def test_an_id_comes_before_a_title_and_a_title_before_a_beginning() -> None:
    assert ids("moon-0123456789ab") == ["moon"] and ids("MOON") == ["moon"]
    assert ids("moon r") == ["moon-river"] and ids("moon-") == ["moon", "moon-river"]
    assert ids("lune") == ["lune"] and ids("river") == []


def test_a_misspelt_name_is_answered_by_the_nearest_and_a_part_by_those_that_have_it() -> None:
    assert "near: moon-river-0123456789ab (Moon River)" in not_found(ROWS, "mon river")
    assert "near: moon-river-0123456789ab (Moon River)" in not_found(ROWS, "riv")
    assert "near: lune-0123456789ab" in not_found(ROWS, "lunne")
    assert "near" not in not_found(ROWS, "xyzzy")
