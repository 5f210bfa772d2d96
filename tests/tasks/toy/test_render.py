import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.toy.composition import VOCABULARY
from tasks.toy.files import FORMATS
from tasks.toy.render import render_songs
from tasks.toy.world_two.truth import from_json
from tests.every import every
from tests.tasks.toy.world_two.truths import features

NUM_SONGS = 8


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("toy")
    render_songs(out, NUM_SONGS, 7, "all", tuple(FORMATS), 2)
    return out


def truths(out: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(out.glob("truth/*.json"))]


def content(path: Path) -> str:
    """Bytes of every file, but decoded samples of a lossy one."""
    if path.suffix in (".mp3", ".ogg"):
        return hashlib.sha256(soundfile.read(path)[0].tobytes()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_shorter_set_on_one_thread_is_the_beginning_of_a_longer_one(rendered: Path, tmp_path: Path) -> None:
    render_songs(tmp_path, 5, 7, "all", tuple(FORMATS), 1)
    files = [path.relative_to(tmp_path) for path in tmp_path.glob("*/*")]
    assert len(files) == 5 * 8
    for file in files:
        assert content(tmp_path / file) == content(rendered / file), file


def test_rendering_again_changes_no_song(rendered: Path) -> None:
    before = {path: content(path) for path in rendered.rglob("*.*")}
    render_songs(rendered, NUM_SONGS, 7, "all", tuple(FORMATS), 2)
    assert {path: content(path) for path in rendered.rglob("*.*")} == before


def test_manifest_is_jamify_s_input_form_and_its_paths_exist(rendered: Path) -> None:
    manifest = json.loads((rendered / "manifest.json").read_text())
    assert len(manifest) == NUM_SONGS
    for index, entry in enumerate(manifest):
        assert list(entry) == ["id", "audio_path", "lrc_path", "duration", "prompt_path"]
        assert f"-{index:04d}-" in entry["id"]
        assert all((rendered / entry[key]).is_file() for key in ("audio_path", "lrc_path", "prompt_path"))
        info = soundfile.info(rendered / entry["audio_path"])
        assert (info.samplerate, info.channels) == (44100, 2)
        assert info.duration == pytest.approx(entry["duration"], abs=1e-3)
        assert 6 - 1e-3 <= entry["duration"] <= 12
    assert {Path(entry["audio_path"]).suffix[1:] for entry in manifest} == set(FORMATS)


def test_stems_sum_to_the_song(rendered: Path) -> None:
    for truth in truths(rendered):
        name = truth["name"]
        (song,) = (path for path in rendered.glob(f"songs/{name}.*") if path.suffix[1:] in FORMATS)
        vocals_N, _ = soundfile.read(rendered / f"truth/{name}.vocals.flac", dtype="float32")
        band_NC, _ = soundfile.read(rendered / f"truth/{name}.band.flac", dtype="float32")
        mix_NC, _ = soundfile.read(song, dtype="float32")
        stems_NC = vocals_N[:, None] + band_NC
        assert np.abs(mix_NC).max() < 1
        if song.suffix in (".wav", ".flac"):
            assert np.array_equal(mix_NC, stems_NC)
        else:
            error_db = 10 * np.log10(((mix_NC - stems_NC) ** 2).mean() / (stems_NC**2).mean())
            assert error_db < -15, song


def test_truth_knows_words_phonemes_notes_chords_and_beats(rendered: Path) -> None:
    for truth in truths(rendered):
        words = truth["words"]
        assert [word["word"] for word in words] == " ".join(truth["lines"]).split()
        assert {word["word"] for word in words} <= set(VOCABULARY)
        times = [time for word in words for time in (word["start"], word["end"])]
        assert times == sorted(times)
        assert times[0] >= 0 and times[-1] <= truth["duration"]
        for phoneme in truth["phonemes"]:
            word = words[phoneme["word"]]
            assert word["start"] - 1e-6 <= phoneme["start"] <= phoneme["end"] <= word["end"] + 1e-6
        assert {phoneme["word"] for phoneme in truth["phonemes"]} == set(range(len(words)))
        assert [note["word"] for note in truth["notes"]] == [word["word"] for word in words]
        assert truth["chords"][-1]["end"] == truth["duration"]
        steps = np.diff([beat["time"] for beat in truth["beats"]])
        assert np.allclose(steps, 60 / truth["bpm"], atol=1e-5)


def test_timed_lines_and_untimed_lyrics_are_the_true_words(rendered: Path) -> None:
    for truth in truths(rendered):
        song = rendered / "songs" / truth["name"]
        assert json.loads(Path(f"{song}.json").read_text()) == truth["words"]
        assert Path(f"{song}.txt").read_text().splitlines() == truth["lines"]
        assert Path(f"{song}.style.txt").read_text().strip() == truth["style"]
        first = 0
        for row, line in zip(Path(f"{song}.lrc").read_text().splitlines(), truth["lines"], strict=True):
            stamp, text = row[1:].split("]")
            minutes, seconds = stamp.split(":")
            assert text == line
            assert 60 * int(minutes) + float(seconds) == pytest.approx(
                truth["words"][first]["start"], abs=0.006
            )
            first += len(line.split())


@every(
    ("lyrics", "ending"),
    [("json", ".json"), ("phones", ".json"), ("lrc", ".lrc"), ("txt", ".txt"), ("none", None)],
)
def test_lyrics_argument_chooses_the_files(tmp_path: Path, lyrics: str, ending: str | None) -> None:
    seen: list[tuple[int, int]] = []
    render_songs(
        tmp_path,
        2,
        1,
        lyrics,
        ["wav"],
        1,
        stems=False,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 2), (2, 2)]
    kinds = {"." + path.name.split(".", 1)[1] for path in tmp_path.glob("songs/*")}
    assert kinds == {".wav", ".style.txt"} | ({ending} if ending else set())
    assert {path.suffix for path in tmp_path.glob("truth/*")} == {".json"}
    paths = [entry["lrc_path"] for entry in json.loads((tmp_path / "manifest.json").read_text())]
    assert all(path.endswith(ending) if ending else path is None for path in paths)
    if lyrics == "phones":
        assert_words_hold_their_phones(tmp_path)


def assert_words_hold_their_phones(out: Path) -> None:
    """Every word of the lyrics has its true phones, which fill it."""
    for entry in json.loads((out / "manifest.json").read_text()):
        for word in json.loads((out / entry["lrc_path"]).read_text()):
            first, *_, last = [word["phones"][0], *word["phones"], word["phones"][-1]]
            assert (first["start"], last["end"]) == pytest.approx((word["start"], word["end"]), abs=2e-6)
            assert all(a["end"] == b["start"] for a, b in pairwise(word["phones"]))


@every(
    ("change", "told"),
    [
        ({"lyrics": "srt"}, "lyrics is 'srt'"),
        ({"formats": ["aiff"]}, "formats is"),
        ({"formats": []}, "formats is"),
        ({"num_songs": 0}, "num_songs is 0"),
        ({"num_workers": 0}, "num_workers is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_argument_out_of_range_is_a_value_error(tmp_path: Path, change: dict, told: str) -> None:
    good = {"num_songs": 1, "seed": 1, "lyrics": "json", "formats": ["wav"], "num_workers": 1}
    with pytest.raises(ValueError, match=told):
        render_songs(tmp_path, **{**good, **change})
    assert not list(tmp_path.iterdir())


def test_folder_with_other_songs_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "mine.wav").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"songs/mine\.wav"):
        render_songs(tmp_path, 1, 1, "json", ["wav"], 1)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["mine.wav"]


def test_songs_of_world_two_are_written_in_the_same_forms_with_their_whole_truth(tmp_path: Path) -> None:
    render_songs(tmp_path, 2, 7, "all", ("wav", "flac"), 2, features=features(max_duration_s=20.0))
    for entry in json.loads((tmp_path / "manifest.json").read_text()):
        truth = from_json((tmp_path / f"truth/{entry['id']}.json").read_text())
        words = [
            {"word": w.text, "start": round(w.start_s, 6), "end": round(w.end_s, 6)} for w in truth.words
        ]
        assert json.loads((tmp_path / entry["lrc_path"]).read_text()) == words
        text = (tmp_path / f"songs/{entry['id']}.txt").read_text()
        assert tuple(text.splitlines()) == truth.lyrics
        assert len((tmp_path / f"songs/{entry['id']}.lrc").read_text().splitlines()) == len(truth.lyrics)
        audio_NC, rate_hz = soundfile.read(tmp_path / entry["audio_path"], dtype="float32")
        assert len(audio_NC) / rate_hz == pytest.approx(truth.duration_s) == entry["duration"]
        vocals_N, _ = soundfile.read(tmp_path / f"truth/{entry['id']}.vocals.flac", dtype="float32")
        band_NC, _ = soundfile.read(tmp_path / f"truth/{entry['id']}.band.flac", dtype="float32")
        assert np.array_equal(audio_NC, vocals_N[:, None] + band_NC)
    held = tmp_path / "held"
    render_songs(held, 1, 7, "phones", ("wav",), 1, stems=False, features=features(max_duration_s=20.0))
    assert_words_hold_their_phones(held)
