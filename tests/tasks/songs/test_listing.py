"""Listing songs: every audio file is a row or a refusal with a reason, and ids are safe keys."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tasks.songs.folder import AUDIO_ENDINGS, refusals_in, told_refusals
from tasks.songs.listing import list_sources, song_id_of
from tasks.storage.files import write_json_lines
from tests.every import every
from tests.tasks.tiny import write_song


def reasons(path: Path) -> dict[str, str]:
    return {row["path"]: row["reason"] for row in list_sources(path).refused}


def by_path(path: Path, **options: object) -> dict[str, object]:
    return {s.facts["audio"]["path"]: s for s in list_sources(path, **options).sources}  # type: ignore[arg-type]


def test_folder_finds_songs_in_sub_folders_with_odd_names(tmp_path: Path) -> None:
    names = ["a.WAV", "sub/Ärger & Söhne.flac", "sub/deep/歌.ogg", "two words.v1.wav", "-rm -rf;$(x).wav"]
    for seed, name in enumerate(names):
        write_song(tmp_path / name, 0.2, seed)
    sources = list_sources(tmp_path).sources
    assert [s.facts["audio"]["path"] for s in sources] == sorted(names)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,48}", s.song_id) for s in sources)
    assert len({s.song_id for s in sources}) == len(names)


def test_every_ending_that_is_read_is_listed(tmp_path: Path) -> None:
    names = [f"a{number}{ending}" for number, ending in enumerate(AUDIO_ENDINGS)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    assert sorted(by_path(tmp_path)) == sorted(names)
    assert {".m4a", ".aac", ".opus", ".webm"} <= set(AUDIO_ENDINGS)


def test_song_id_is_short_and_safe_whatever_the_title() -> None:
    for title in ("", "...", "歌" * 300, "A" * 300, "../../etc/passwd", "Café №5"):
        for number in (1, 2, 1000):
            assert re.fullmatch(r"[a-z0-9_-]{1,48}", song_id_of(title, "f" * 64, number))
    assert song_id_of("Café №5", "0123456789abcdef") == "cafe-no5-0123456789ab"


def test_lyrics_beside_the_audio_are_taken_in_order_of_precedence(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    for ending, expected in ((".txt", "a.txt"), (".LRC", "a.LRC"), (".json", "a.json")):
        (tmp_path / f"a{ending}").write_text("x")
        assert by_path(tmp_path)["a.wav"].facts["lyrics_path"] == expected


def test_style_text_is_style_and_never_lyrics(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    (tmp_path / "a.style.txt").write_text("pop")
    facts = by_path(tmp_path)["a.wav"].facts
    assert (facts["lyrics_path"], facts["style_path"]) == (None, "a.style.txt")


def test_lyrics_match_across_unicode_forms(tmp_path: Path) -> None:
    write_song(tmp_path / "caf\u00e9.wav", 0.2)
    (tmp_path / "cafe\u0301.lrc").write_text("[00:00.00]la")
    assert by_path(tmp_path)["caf\u00e9.wav"].facts["lyrics_path"] == "cafe\u0301.lrc"


def test_broken_audio_is_a_row_so_that_ingest_can_count_it(tmp_path: Path) -> None:
    (tmp_path / "broken.mp3").write_bytes(b"nothing")
    (tmp_path / "empty.wav").write_bytes(b"")
    assert len(list_sources(tmp_path).sources) == 2


def test_what_is_no_song_is_refused_with_a_reason(tmp_path: Path) -> None:
    root = tmp_path / "songs"
    write_song(root / "a.wav", 0.2)
    write_song(tmp_path / "outside.wav", 0.2, seed=1)
    (root / "link.wav").symlink_to(tmp_path / "outside.wav")
    (root / "dead.wav").symlink_to(root / "nowhere.wav")
    (root / "sub").symlink_to(tmp_path)
    (root / "folder.wav").mkdir()
    os.mkfifo(root / "pipe.wav")
    (root / "alone.lrc").write_text("[00:00.00]la")
    (root / "alone.style.txt").write_text("pop")
    (root / "cover.jpg").write_bytes(b"")
    (root / ".hidden.wav").write_bytes(b"")
    (root / os.fsdecode(b"caf\xe9.wav")).write_bytes(b"")
    assert reasons(root) == {
        "link.wav": "outside_root",
        "dead.wav": "broken_link",
        "sub": "link_to_directory",
        "folder.wav": "directory",
        "pipe.wav": "not_a_regular_file",
        "alone.lrc": "lyrics_without_audio",
        "alone.style.txt": "style_without_audio",
        "cover.jpg": "unsupported_ending",
        ".hidden.wav": "hidden",
        "caf\\udce9.wav": "name_not_utf8",
    }
    assert list(by_path(root)) == ["a.wav"]


def test_files_beside_the_songs_are_told_by_reason_and_sidecars_in_use_are_not(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    for name in ("a.txt", "a.lrc", "a.style.txt", "1.avi", "2.avi", "3.pdf", "sub/4.avi", "nobody.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    refused = list_sources(tmp_path).refused
    told = told_refusals(refused)
    assert told == "4 unsupported_ending (1.avi, 2.avi, 3.pdf, ...), 1 lyrics_without_audio (nobody.txt)"
    write_json_lines(tmp_path / "ingest.jsonl", refused)
    assert told_refusals(refusals_in(tmp_path / "ingest.jsonl")) == told
    assert told_refusals(refusals_in(tmp_path / "none.jsonl")) == ""
    assert told_refusals([{"path": "\033[2J\n", "reason": "hidden"}]) == r"1 hidden ('\x1b[2J\n')"


def test_lyrics_that_leave_the_root_refuse_their_song(tmp_path: Path) -> None:
    root = tmp_path / "songs"
    write_song(root / "a.wav", 0.2)
    (tmp_path / "secret.txt").write_text("secret")
    (root / "a.txt").symlink_to(tmp_path / "secret.txt")
    facts = by_path(root)["a.wav"].facts
    assert (facts["refused"], facts["lyrics_path"]) == ("lyrics_outside_root", None)


def test_same_audio_is_kept_once_and_the_others_are_duplicates(tmp_path: Path) -> None:
    write_song(tmp_path / "b.wav", 0.2)
    shutil.copy(tmp_path / "b.wav", tmp_path / "a.wav")
    (tmp_path / "x").mkdir()
    shutil.copy(tmp_path / "b.wav", tmp_path / "x" / "a.wav")
    refused = {path: s.facts["refused"] for path, s in by_path(tmp_path).items()}
    assert refused == {"a.wav": None, "b.wav": "duplicate", "x/a.wav": "duplicate"}
    assert len({s.song_id for s in list_sources(tmp_path).sources}) == 3


def test_a_duplicate_that_comes_later_does_not_push_out_the_admitted_song(tmp_path: Path) -> None:
    write_song(tmp_path / "b.wav", 0.2)
    before = by_path(tmp_path)["b.wav"]
    shutil.copy(tmp_path / "b.wav", tmp_path / "a.wav")
    after = by_path(tmp_path, admitted=["b.wav"])
    assert after["b.wav"] == before
    assert after["a.wav"].facts["refused"] == "duplicate"


def test_of_two_files_with_the_same_audio_the_one_with_lyrics_is_kept(tmp_path: Path) -> None:
    write_song(tmp_path / "b.wav", 0.2)
    shutil.copy(tmp_path / "b.wav", tmp_path / "a.wav")
    (tmp_path / "b.txt").write_text("la")
    assert by_path(tmp_path)["b.wav"].facts["refused"] is None


def test_identity_follows_lyrics_and_facts_but_not_paths_or_times(tmp_path: Path) -> None:
    write_song(tmp_path / "one" / "a.wav", 0.2)
    (tmp_path / "one" / "a.txt").write_text("la")
    first = by_path(tmp_path / "one")["a.wav"]
    shutil.copytree(tmp_path / "one", tmp_path / "two" / "sub")
    os.utime(tmp_path / "two" / "sub" / "a.wav", (0, 0))
    assert by_path(tmp_path / "two")["sub/a.wav"].identity == first.identity
    (tmp_path / "one" / "a.txt").write_text("la la")
    changed = by_path(tmp_path / "one")["a.wav"]
    assert (changed.song_id, changed.identity != first.identity) == (first.song_id, True)


@pytest.mark.parametrize("lines", [False, True])
def test_manifest_gives_songs_their_lyrics_and_facts(tmp_path: Path, lines: bool) -> None:
    write_song(tmp_path / "songs" / "a.wav", 0.2)
    (tmp_path / "songs" / "words.json").write_text("[]")
    (tmp_path / "songs" / "prompt.txt").write_text("pop")
    row = {
        "id": "My Song",
        "audio_path": "songs/a.wav",
        "lrc_path": "songs/words.json",
        "prompt_path": "songs/prompt.txt",
        "duration": 0.2,
        "artist": "Ann",
        "license": "CC0",
    }
    manifest = tmp_path / "input.json"
    manifest.write_text(json.dumps(row) + "\n" if lines else json.dumps([row]))
    listing = list_sources(manifest)
    (source,) = listing.sources
    assert source.song_id.startswith("my-song-")
    facts = source.facts
    assert (facts["artist"], facts["license"], facts["source"]) == ("Ann", "CC0", None)
    assert (facts["lyrics_path"], facts["style_path"]) == ("songs/words.json", "songs/prompt.txt")
    assert listing.stated_duration_s == {source.song_id: 0.2} and facts["stated_duration_s"] == 0.2


def test_manifest_without_lyrics_key_looks_beside_the_audio_and_null_means_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_song(tmp_path / f"{name}.wav", 0.2, seed=ord(name))
        (tmp_path / f"{name}.txt").write_text("la")
    rows = [{"id": "a", "audio_path": "a.wav"}, {"id": "b", "audio_path": "b.wav", "lrc_path": None}]
    (tmp_path / "m.json").write_text(json.dumps(rows))
    found = by_path(tmp_path / "m.json")
    assert (found["a.wav"].facts["lyrics_path"], found["b.wav"].facts["lyrics_path"]) == ("a.txt", None)


def test_manifest_rows_that_are_no_song_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_song(tmp_path / "outside.wav", 0.2)
    rows = [
        3,
        {"id": "x"},
        {"audio_path": 5},
        {"audio_path": "a\0.wav"},
        {"audio_path": "none.wav"},
        {"audio_path": "../outside.wav"},
        {"audio_path": "none.wav", "duration": float("nan")},
        {"audio_path": "none.wav", "title": "ok", "id": "\ud800"},
    ]
    (root / "m.json").write_text(json.dumps(rows))
    listing = list_sources(root / "m.json")
    assert listing.sources == []
    found = sorted(row["reason"] for row in listing.refused)
    assert found == ["manifest_entry"] * 6 + ["missing", "outside_root"]


def test_a_manifest_that_is_no_json_and_a_missing_folder_say_so(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("[{")
    with pytest.raises(ValueError, match="not a JSON list"):
        list_sources(tmp_path / "m.json")
    with pytest.raises(ValueError, match="neither a folder with songs nor a manifest"):
        list_sources(tmp_path / "nowhere")


@every("duration", ["1" + "0" * 400, "1e400", "NaN", "-1", "true"])
def test_a_duration_that_is_no_length_is_a_row_refused(tmp_path: Path, duration: str) -> None:
    write_song(tmp_path / "a.wav", 0.5)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(f'[{{"id": "a", "audio_path": "a.wav", "duration": {duration}}}]')
    assert [row["reason"] for row in list_sources(manifest).refused] == ["manifest_entry"]


def test_a_name_too_long_for_any_file_is_a_row_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps([{"id": "a", "audio_path": "a" * 70_000}]))
    listing = list_sources(manifest)
    assert not listing.sources
    assert [row["reason"] for row in listing.refused] == ["manifest_entry"]


@every(
    "name",
    ["a_lyrics.txt", "a.lyrics.txt", "a.wav.lrc", "a.en.srt", "a - lyrics.txt", "a.synced.lrc", "a.kar"],
)
def test_lyrics_are_found_by_the_names_that_tools_give_them(tmp_path: Path, name: str) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    (tmp_path / name).write_text("la")
    assert by_path(tmp_path)["a.wav"].facts["lyrics_path"] == name


def test_a_json_of_facts_never_hides_lyrics_and_of_two_files_of_words_the_one_with_times_is_taken(
    tmp_path: Path,
) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    (tmp_path / "a.lrc").write_text("[00:00.10]la")
    (tmp_path / "a.json").write_text('{"caption": "bright pop", "bpm": 120}')
    (tmp_path / "a.txt").write_text("la")
    assert by_path(tmp_path)["a.wav"].facts["lyrics_path"] == "a.lrc"
    (tmp_path / "a.json").write_text('[{"word": "la", "start": 0.1, "end": 0.2}]')
    assert by_path(tmp_path)["a.wav"].facts["lyrics_path"] == "a.json"


def test_a_karaoke_library_gives_songs_and_not_their_stems(tmp_path: Path) -> None:
    for seed, name in enumerate(["A - B.wav", "A - B [VOC].wav", "A - B [INSTR].wav", "Alone [VOC].wav"]):
        write_song(tmp_path / name, 0.2, seed)
    (tmp_path / "A - B.txt").write_text("la")
    assert sorted(by_path(tmp_path)) == ["A - B.wav", "Alone [VOC].wav"]
    assert reasons(tmp_path) == dict.fromkeys(["A - B [VOC].wav", "A - B [INSTR].wav"], "stem_of_a_song")


def test_a_prompt_file_of_another_tool_is_a_style_and_no_lyrics(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    (tmp_path / "a_prompt.txt").write_text("pop")
    facts = by_path(tmp_path)["a.wav"].facts
    assert (facts["lyrics_path"], facts["style_path"]) == (None, "a_prompt.txt")


def test_one_bad_line_of_a_manifest_costs_its_row_and_is_named_by_its_line(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    write_song(tmp_path / "b.wav", 0.2, seed=1)
    lines = ['{"audio_path": "a.wav"}', "", '{"audio_path": "b.wav"', '{"audio_path": "b.wav"}']
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    listing = list_sources(tmp_path / "list.jsonl")
    assert len(listing.sources) == 2
    assert [(row["path"], row["reason"]) for row in listing.refused] == [("list.jsonl:3", "manifest_entry")]


@pytest.mark.parametrize("key", ["lyrics", "text"])
def test_a_row_of_a_manifest_may_hold_its_lyrics(tmp_path: Path, key: str) -> None:
    write_song(tmp_path / "a.wav", 0.2)
    (tmp_path / "a.txt").write_text("beside")
    (tmp_path / "list.json").write_text(json.dumps([{"audio_path": "a.wav", key: "[00:01.00]la la"}]))
    facts = by_path(tmp_path / "list.json")["a.wav"].facts
    assert (facts["lyrics_path"], facts["lyrics_text"]) == (None, "[00:01.00]la la")
