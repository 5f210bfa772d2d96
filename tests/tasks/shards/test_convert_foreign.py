"""Foreign shards become safe ones: what is good is taken with its numbers, what is not leaves a reason."""

from __future__ import annotations

import io
import json
import pickle
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from jam_model.batches import Batches
from jam_model.shards import Shards, stream_samples
from tasks.dedup.sides import SplitParams
from tasks.models.phonemizer import build_phonemizer
from tasks.shards.convert_foreign import Imported, Importer, import_shards
from tasks.shards.read_foreign import shards_of
from tests.every import every

SHARES = SplitParams(validation_share=0.0, benchmark_share=0.0)
WORDS = [{"start": 0.08, "end": 0.4, "phoneme": "lˈʌv", "word": "Love,"}]


def pt(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def foreign(seed: int = 0, styles: int = 3, **facts: Any) -> dict[str, bytes]:
    """A sample in jamify's own form: several styles, a NeMo dump's extra keys."""
    generator = torch.Generator().manual_seed(seed)
    lyrics = {"word": WORDS, "char": [{"char": ["L"]}], "segment": [], "extra": None, **facts}
    return {
        "latent.pt": pt(torch.randn(128, 20, generator=generator)),
        "style.pt": pt(torch.randn(styles, 512, generator=generator)),
        "json": json.dumps(lyrics).encode(),
    }


def header_of(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.type, header.linkname = size, kind, link
    return header


def write_tar(path: Path, members: Iterable[tuple[str | tarfile.TarInfo, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for named, data in members:
            header = named if isinstance(named, tarfile.TarInfo) else header_of(named, len(data))
            tar.addfile(header, io.BytesIO(data))
    return path


def named(samples: Mapping[str, Mapping[str, bytes]]) -> list[tuple[str | tarfile.TarInfo, bytes]]:
    return [(f"{key}.{suffix}", data) for key, members in samples.items() for suffix, data in members.items()]


def take(out: Path, *shards: Path, tensor_format: str = "pt") -> Imported:
    phonemizer = build_phonemizer(load_params().models.phonemizer)
    return import_shards(
        shards, out, Importer(phonemizer, 0.05, SHARES, tensor_format), lambda done, total: None
    )


def reasons(tmp_path: Path, samples: Mapping[str, Mapping[str, bytes]]) -> dict[str, str]:
    imported = take(tmp_path / "out", write_tar(tmp_path / "in.tar", named({"good": foreign(9), **samples})))
    assert imported.num_samples + len(imported.refused) == len(samples) + 1
    return {row["id"]: row["reason"] for row in imported.refused}


def lyrics_in(shard: Path) -> dict[str, dict[str, Any]]:
    with tarfile.open(shard) as tar:
        return {
            m.name.removesuffix(".json"): json.load(tar.extractfile(m))  # type: ignore[arg-type]
            for m in tar
            if m.name.endswith(".json")
        }


def test_shards_in_jamifys_own_form_keep_their_numbers_words_and_facts(tmp_path: Path) -> None:
    samples = {"a": foreign(1, license="CC0", artist="Ann", source=None), "b": foreign(2, split="validation")}
    assert take(tmp_path / "out", write_tar(tmp_path / "in.tar", named(samples))).num_samples == 2
    shards = Shards(tmp_path / "out")
    assert [place.song_id for place in shards.places] == ["a"]
    expected_CT = torch.load(io.BytesIO(samples["a"]["latent.pt"]), weights_only=True).numpy()
    np.testing.assert_array_equal(shards[0].mean_TC, expected_CT[:64].T)
    np.testing.assert_array_equal(shards[0].std_TC, expected_CT[64:].T)
    assert shards[0].style_NS.shape == (3, 512) and shards[0].words[0].phonemes == "lˈʌv"
    lyrics = lyrics_in(tmp_path / "out" / "import-00000.tar")
    assert lyrics["a"] == {
        "word": WORDS, "duration": 20 * 2048 / 44_100, "split": "train", "license": "CC0", "artist": "Ann", "source": None
    }  # fmt: skip
    ids = [json.loads(line) for line in (tmp_path / "out" / "ids.jsonl").read_text().splitlines()]
    assert [(row["id"], row["split"]) for row in ids] == [("a", "train"), ("b", "validation")]


def test_a_single_style_may_be_a_vector_or_a_row(tmp_path: Path) -> None:
    samples = {"row": foreign(styles=1), "vector": foreign() | {"style.pt": pt(torch.ones(512))}}
    take(tmp_path / "out", write_tar(tmp_path / "in.tar", named(samples)))
    assert [s.style_NS.shape for s in stream_samples([tmp_path / "out" / "import-00000.tar"])] == [
        (1, 512)
    ] * 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_become_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    latent_CT = torch.randn(128, 20).to(dtype)
    shard = write_tar(tmp_path / "in.tar", named({"a": foreign() | {"latent.pt": pt(latent_CT)}}))
    take(tmp_path / "out", shard)
    with tarfile.open(tmp_path / "out" / "import-00000.tar") as tar:
        taken_CT = torch.load(tar.extractfile("a.latent.pt"), weights_only=True)  # type: ignore[arg-type]
    assert taken_CT.dtype == torch.float32 and torch.equal(taken_CT, latent_CT.float())


def test_a_view_into_a_larger_tensor_is_written_alone(tmp_path: Path) -> None:
    latent_CT = torch.randn(300, 128)[40:60].T
    take(
        tmp_path / "out",
        write_tar(tmp_path / "in.tar", named({"a": foreign() | {"latent.pt": pt(latent_CT)}})),
    )
    (sample,) = stream_samples([tmp_path / "out" / "import-00000.tar"])
    np.testing.assert_array_equal(sample.mean_TC, latent_CT.T[:, :64])
    assert (tmp_path / "out" / "import-00000.tar").stat().st_size < 30_000


def test_words_without_phonemes_are_phonemized_and_say_by_whom(tmp_path: Path) -> None:
    words = [
        *WORDS,
        {"start": 0.4, "end": 0.8, "word": "Rock-n"},
        {"start_offset": 10, "end_offset": 11, "word": "moon"},
    ]
    take(tmp_path / "out", write_tar(tmp_path / "in.tar", named({"a": foreign(word=words)})))
    lyrics = lyrics_in(tmp_path / "out" / "import-00000.tar")["a"]
    assert [word["word"] for word in lyrics["word"]] == ["Love,", "rock", "n", "moon"]
    assert lyrics["word"][3] == {"start": 0.8, "end": pytest.approx(0.88), "phoneme": "mˈuːn", "word": "moon"}
    assert lyrics["phonemizer"].startswith("embedded/espeak")


def test_words_in_another_script_than_the_phonemizers_are_refused(tmp_path: Path) -> None:
    words = [{"start": 0, "end": 1, "word": word} for word in ("moon", "歌歌歌")]
    assert reasons(tmp_path, {"a": foreign(word=words)}) == {"a": "phoneme_unknown"}


def test_our_reader_says_what_to_do_about_words_without_phonemes(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "in.tar", named({"a": foreign(word=[{"start": 0, "end": 1, "word": "la"}])}))
    with pytest.raises(ValueError, match=r"a\.json: word 0 has no phoneme; `jam import`"):
        list(stream_samples([shard]))


def test_keys_become_safe_ids_and_are_kept_beside_them(tmp_path: Path) -> None:
    keys = ["Hybrid Minds, Brodie - Heroin", "./dir/one", "歌", "plain_1"]
    take(tmp_path / "out", write_tar(tmp_path / "in.tar", named({key: foreign() for key in keys})))
    lyrics = lyrics_in(tmp_path / "out" / "import-00000.tar")
    ids = {facts.get("source_id", song_id): song_id for song_id, facts in lyrics.items()}
    assert ids.keys() == {"Hybrid Minds, Brodie - Heroin", "dir/one", "歌", "plain_1"}
    assert ids["plain_1"] == "plain_1" and re.fullmatch("dir-one-[0-9a-f]{12}", ids["dir/one"])


def test_a_hostile_pickle_is_refused_and_never_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (marker,)

    for name, data in {"zip": pt({"x": Evil()}), "bare": pickle.dumps(Evil())}.items():
        found = reasons(tmp_path / name, {"evil": foreign() | {"style.pt": data}})
        assert found == {"evil": "bad_tensor"} and not marker.exists()
    torch.load(io.BytesIO(pt({"x": Evil()})), weights_only=False)
    assert marker.exists()  # it would have run


def test_what_is_no_latent_is_refused_by_shape_kind_and_value(tmp_path: Path) -> None:
    latents = {
        "turned": pt(torch.zeros(20, 128)),
        "sampled": pt(torch.zeros(64, 20)),
        "empty": pt(torch.zeros(128, 0)),
        "flat": pt(torch.zeros(128)),
        "whole": pt(torch.zeros(128, 20, dtype=torch.int64)),
        "nan": pt(torch.full((128, 20), torch.nan)),
        "dict": pt({"latent": torch.zeros(128, 20)}),
        "sparse": pt(torch.zeros(128, 20).to_sparse()),
        "endless": pt(torch.zeros(1).expand(128, 10**9)),
        "cut": pt(torch.zeros(128, 20))[:500],
        "nothing": b"",
    }
    found = reasons(tmp_path, {key: foreign() | {"latent.pt": data} for key, data in latents.items()})
    assert {key for key, reason in found.items() if reason == "bad_shape"} == {
        "turned",
        "sampled",
        "empty",
        "flat",
    }
    assert {key for key, reason in found.items() if reason == "bad_tensor"} == latents.keys() - {
        "turned", "sampled", "empty", "flat"
    }  # fmt: skip


def test_a_compressed_archive_that_would_burst_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(pt(torch.zeros(128, 20)))) as plain,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in plain.namelist():
            bomb.writestr(entry, plain.read(entry))
    assert reasons(tmp_path, {"a": foreign() | {"latent.pt": packed.getvalue()}}) == {"a": "bad_tensor"}


def test_what_is_no_style_or_no_lyrics_is_refused(tmp_path: Path) -> None:
    lyrics = [b"{", b"[" * 100_000, b"3", b"{}", b'{"word": [3]}', b'{"word": [{"word": "la"}]}',
              b'{"word": [{"start": NaN, "end": 1, "phoneme": "x"}]}', b'{"word": [{"start": 2, "end": 1, "phoneme": "x"}]}',
              b'{"word": [{"start": 0, "end": 1}]}', b'{"word": [{"start": 0, "end": 1, "phoneme": 3}]}',
              b'{"word": [{"start": 0, "end": 1, "phoneme": "\\ud800"}]}', b"\xff\xfe"]  # fmt: skip
    samples = {f"lyrics-{n}": foreign() | {"json": data} for n, data in enumerate(lyrics)}
    found = reasons(tmp_path, {**samples, "style": foreign() | {"style.pt": pt(torch.zeros(2, 256))}})
    assert found == {**dict.fromkeys(samples, "bad_lyrics"), "style": "bad_shape"}


def test_a_song_without_words_is_taken(tmp_path: Path) -> None:
    assert reasons(tmp_path, {"instrumental": foreign(word=[])}) == {}


def test_unsafe_names_links_and_doubles_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.shards.read_foreign.MAX_MEMBER_BYTES", 200_000)
    link = header_of("link.latent.pt", kind=tarfile.SYMTYPE, link="/etc/passwd")
    hard = header_of("hard.latent.pt", kind=tarfile.LNKTYPE, link="good.latent.pt")
    pipe = header_of("pipe.latent.pt", kind=tarfile.FIFOTYPE)
    halves = {suffix: data for suffix, data in foreign().items() if suffix != "latent.pt"}
    members = [
        (header_of("folder", kind=tarfile.DIRTYPE), b""),
        *named({"good": foreign(1), "../../climbs": foreign(), "/absolute": foreign(), "new\nline": foreign()}),
        (link, b""), *named({"link": halves}),
        (hard, b""), *named({"hard": halves}),
        (pipe, b""), *named({"pipe": halves}),
        *named({"twice": foreign()}), ("twice.json", b"{}"),
        *named({"half": halves}),
        *named({"large": foreign() | {"style.pt": bytes(300_000)}}),
        *named({"both": foreign() | {"latent.npy": b""}}),
        ("good.mp3", b"not read"), ("README", b"not read"),
        *named({"also-good": {**foreign(2), "mp3": b"not read", "txt": b""}}),
    ]  # fmt: skip
    imported = take(tmp_path / "out", write_tar(tmp_path / "in.tar", members))
    assert imported.num_samples == 2
    assert {row["id"]: row["reason"] for row in imported.refused} == {
        "../../climbs": "unsafe_name", "/absolute": "unsafe_name", "new\nline": "unsafe_name",
        "link": "not_a_regular_file", "hard": "not_a_regular_file", "pipe": "not_a_regular_file",
        "twice": "duplicate_member", "half": "missing_member", "large": "too_large", "both": "duplicate_member",
        "good": "missing_member", "README": "missing_member",
    }  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "out" / "refused.jsonl").read_text().splitlines()]
    assert lines == list(imported.refused) and {line["shard"] for line in lines} == {"in.tar"}
    assert not list(tmp_path.rglob("*climbs*"))


def test_the_first_of_two_samples_of_one_id_stays(tmp_path: Path) -> None:
    first = write_tar(tmp_path / "1.tar", named({"a": foreign(1)}))
    second = write_tar(tmp_path / "2.tar", named({"a": foreign(2), "b": foreign(3)}))
    imported = take(tmp_path / "out", first, second)
    assert [(row["shard"], row["id"], row["reason"]) for row in imported.refused] == [
        ("2.tar", "a", "duplicate_id")
    ]
    assert [place.song_id for place in Shards(tmp_path / "out").places] == ["a", "b"]


@every(
    "damage", ["cut in a member", "cut in a header", "bad header", "no end", "more after the end", "no tar"]
)
def test_a_damaged_shard_gives_what_is_whole_and_a_line(tmp_path: Path, damage: str) -> None:
    path = write_tar(tmp_path / "in.tar", named({"a": foreign(1), "b": foreign(2)}))
    data = path.read_bytes()
    with tarfile.open(path) as tar:
        start = tar.getmember("b.latent.pt").offset
        end = tar.getmembers()[-1].offset_data + 512
    path.write_bytes(
        {
            "cut in a member": data[: start + 2000],
            "cut in a header": data[: start + 100],
            "bad header": data[:start] + b"x" * 512 + data[start + 512 :],
            "no end": data[:end],
            "more after the end": data + data,
            "no tar": b"x" * 3000,
        }[damage]
    )
    imported = take(tmp_path / "out", path)
    assert imported.num_samples == {"no tar": 0, "no end": 2, "more after the end": 2}.get(damage, 1)
    assert imported.reasons["shard_damaged"] == 1


def test_the_same_shards_give_the_same_bytes_and_stale_ones_go(tmp_path: Path) -> None:
    shards = [write_tar(tmp_path / f"{n}.tar", named({f"s{n}": foreign(n)})) for n in range(3)]
    take(tmp_path / "one", *shards)
    take(tmp_path / "two", *shards, shards[0])
    take(tmp_path / "two", *shards)
    before, after = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert before == after and "import-00002.tar" in before


def test_a_folder_with_other_shards_is_left_alone(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "in.tar", named({"a": foreign()}))
    other = write_tar(tmp_path / "out" / "part-00000-x.tar", [])
    with pytest.raises(ValueError, match="holds other shards"):
        take(tmp_path / "out", shard)
    assert other.exists()


def test_what_training_needs_of_a_folder_is_there(tmp_path: Path) -> None:
    take(tmp_path / "out", write_tar(tmp_path / "in.tar", named({"a": foreign(1), "b": foreign(2)})))
    batches = Batches(Shards(tmp_path / "out"), np.zeros(64, np.float32), 24, 0.0, 1, 0)
    batch = batches.at(range(2))
    assert batch.latents_BTC.shape == (2, 24, 64) and sorted(batch.song_ids) == ["a", "b"]


def test_our_own_shards_pass_through_as_they_are(tmp_path: Path) -> None:
    take(tmp_path / "one", write_tar(tmp_path / "in.tar", named({"a": foreign(1), "b": foreign(2)})))
    take(tmp_path / "two", tmp_path / "one" / "import-00000.tar")
    first, second = ((tmp_path / name / "import-00000.tar").read_bytes() for name in ("one", "two"))
    assert first == second
    npy = take(tmp_path / "npy", tmp_path / "one" / "import-00000.tar", tensor_format="npy")
    assert npy.num_samples == 2 and len(list(stream_samples([tmp_path / "npy" / "import-00000.tar"]))) == 2


def test_patterns_name_shards_in_order_and_missing_ones(tmp_path: Path) -> None:
    paths = [write_tar(tmp_path / f"{n:06d}.tar", []) for n in range(3)]
    assert shards_of(str(tmp_path)) == shards_of(f"{tmp_path}/*.tar") == paths
    assert shards_of(f"{tmp_path}/{{000000..000002}}.tar") == paths
    with pytest.raises(ValueError, match=r"000003\.tar"):
        shards_of(f"{tmp_path}/{{000000..000003}}.tar")
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"no \.tar file"):
        shards_of(str(tmp_path / "none"))
