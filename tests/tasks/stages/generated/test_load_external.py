"""Files of other systems become mixes: within limits, inside their folder, cut at the reference end."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.settings.params import load_params
from tasks.audio.read import read_bytes
from tasks.engine.song import Song, SongError
from tasks.stages.generated.load_external import LoadExternal
from tests.every import every
from tests.tasks.audio.forms import vbr, without_header
from tests.tasks.tiny import RATE_HZ, write_song


def asked(folder: Path, name: str, duration_s: float | None = None, **columns: object) -> Song:
    file = folder / name
    facts: dict[str, object] = {
        "parent_audio": {"path": name, "bytes": None},
        "content_hash": hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "",
        "system": "theirs",
        "reference_duration_s": duration_s,
    }
    return Song("a-theirs", {**facts, **columns})


def collect(folder: Path) -> LoadExternal:
    return LoadExternal(load_params().audio, {"theirs": str(folder)})


@every("ending", ["wav", "flac", "mp3", "ogg"])
def test_file_of_any_format_becomes_flac(tmp_path: Path, ending: str) -> None:
    write_song(tmp_path / f"a.{ending}", 1.0)
    song = collect(tmp_path).one(asked(tmp_path, f"a.{ending}"))
    mix_CN, rate_hz = read_bytes(song["audio"]["bytes"])
    assert mix_CN.shape[0] == 2 and rate_hz == RATE_HZ
    assert song["duration_s"] == pytest.approx(1.0, abs=0.06) and song["tail_energy"] is None


def test_what_sounds_after_the_asked_end_is_measured_and_cut(tmp_path: Path) -> None:
    mix = np.full((2 * RATE_HZ, 2), 0.5, np.float32)
    mix[RATE_HZ:] = 0.25
    soundfile.write(tmp_path / "a.wav", mix, RATE_HZ, subtype="FLOAT")
    song = collect(tmp_path).one(asked(tmp_path, "a.wav", 1.0))
    assert song["duration_s"] == 1.0
    assert song["tail_energy"] == pytest.approx(0.5)
    assert read_bytes(song["audio"]["bytes"])[0].shape == (2, RATE_HZ)
    short = collect(tmp_path).one(asked(tmp_path, "a.wav", 3.0))
    assert short["duration_s"] == 2.0 and short["tail_energy"] is None


def test_a_song_shorter_than_it_was_asked_or_listed_to_be_and_a_flawed_file_are_told(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 1.0)
    whole = collect(tmp_path).one(asked(tmp_path, "a.wav", 1.9, stated_duration_s=1.9))
    assert whole["audio_remarks"] == [] and whole["unstated_delay_s"] is None
    short = collect(tmp_path).one(asked(tmp_path, "a.wav", 3.0, stated_duration_s=2.5))
    assert [told.partition(":")[0] for told in short["audio_remarks"]] == [
        "shorter_than_manifest",
        "shorter_than_prompt",
    ]
    (tmp_path / "b.mp3").write_bytes(without_header(vbr()))
    bare = collect(tmp_path).one(asked(tmp_path, "b.mp3"))
    assert bare["unstated_delay_s"] == pytest.approx(0.02506, abs=1e-5) and bare["duration_s"] > 1.5


@pytest.mark.parametrize(
    ("name", "reason"),
    [("../a.wav", "source_gone"), ("gone.wav", "source_gone"), ("text.wav", "not_audio")],
)
def test_what_is_no_song_is_dropped_with_a_reason(tmp_path: Path, name: str, reason: str) -> None:
    folder = tmp_path / "songs"
    write_song(tmp_path / "a.wav")
    folder.mkdir()
    (folder / "text.wav").write_text("no audio at all")
    with pytest.raises(SongError) as raised:
        collect(folder).one(asked(folder, name))
    assert raised.value.reason == reason


def test_file_that_changed_since_it_was_listed_is_dropped(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    with pytest.raises(SongError) as raised:
        collect(tmp_path).one(asked(tmp_path, "a.wav", content_hash="0" * 64))
    assert raised.value.reason == "source_changed"


def test_system_without_a_folder_is_no_song_error(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    with pytest.raises(ValueError, match="no folder is known for 'other'"):
        collect(tmp_path).one(asked(tmp_path, "a.wav", system="other"))
