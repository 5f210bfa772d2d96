"""The real phonemizer on tiny checkpoints in DeepPhonemizer's own form."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from flows.settings.params import load_params
from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import BadModel
from tasks.models import released_weights as weights
from tasks.models.phonemizer import (
    SYMBOLS,
    Phonemizer,
    PhonemizerParams,
    build_phonemizer,
)
from tasks.models.real.english_numbers import read_aloud
from tasks.stages.phonemize import Phonemize
from tests.every import every
from tests.tasks.engine.probes import Factor, run_here, table_of
from tests.tasks.models.checkpoints.deep_phonemizer import PHONEMES, checkpoint_fields, write_deep_phonemizer
from tests.tasks.models.spoken import Spoken

WORDS = [
    "love",
    "Love",
    "PARIS",
    "paris",
    "rock-a",
    "hello",
    "banana",
    "don't",
    "21",
    "1984",
    "$2.50",
    "DIY",
    "well-known",
    "(hey)",
    "midnight",
    "oh",
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_deep_phonemizer(tmp_path_factory.mktemp("deep") / "tiny.pt")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def params(path: Path | str, **settings: Any) -> PhonemizerParams:
    section = load_params().models.phonemizer
    deep = section.deep_phonemizer.model_copy(update={"weights": str(path), "device": "cpu", **settings})
    return section.model_copy(update={"model": "deep_phonemizer", "deep_phonemizer": deep})


def built(path: Path | str, **settings: Any) -> Phonemizer:
    return build_phonemizer(params(path, **settings))


def refused(path: Path | str, **settings: Any) -> str:
    """The one line a phonemizer of this file is refused with."""
    with pytest.raises(BadModel) as caught:
        built(path, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pronunciations_are_those_of_the_released_library(checkpoint: Path) -> None:
    from dp.model.model import ModelType, create_model
    from dp.model.predictor import Predictor
    from dp.phonemizer import Phonemizer as Released

    fields = checkpoint_fields()
    network = create_model(ModelType.TRANSFORMER, fields["config"])
    network.load_state_dict(fields["model"])
    network.eval()
    released = Released(Predictor(network, fields["preprocessor"]), fields["phoneme_dict"])
    texts = [read_aloud(word) for word in WORDS]
    theirs = released.phonemise_list(texts, lang="en_us", batch_size=1).phonemes
    ours = [said.phonemes for said in built(checkpoint).phonemize(WORDS)]
    assert ours == ["".join(symbol for symbol in said if symbol in SYMBOLS) for said in theirs]
    assert len(set(ours)) > 10


def test_the_dictionary_speaks_first_in_any_case_and_the_network_says_the_rest(checkpoint: Path) -> None:
    said = {word: one.phonemes for word, one in zip(WORDS, built(checkpoint).phonemize(WORDS), strict=True)}
    assert said["love"] == said["Love"] == "lʌv"
    assert said["PARIS"] == said["paris"] == "pæɹɪs"
    assert said["rock-a"] == "ɹɑkə"
    assert said["21"] == "twɛnti-wʌn"  # one word, one pronunciation
    assert said["hello"] and said["hello"] != said["banana"]


def test_symbols_and_letters_without_a_token_are_left_out_and_counted(checkpoint: Path) -> None:
    said = built(checkpoint).phonemize(["sœur", "日本", "naïve", "love日", "...", "", "ab" * 1500])
    assert [one.unknown for one in said] == [1, 2, 1, 1, 0, 0, 3000]
    assert said[0].phonemes == "sɹ" and said[1].phonemes == "" and said[6].phonemes == ""


@every("heard, stands", [("ɐ", "ɝ"), ("əl", "l"), ("ʔ", "t"), ("x", "k"), ("əla", "əla")])
def test_whole_pronunciations_are_remapped_as_jamify_does(tmp_path: Path, heard: str, stands: str) -> None:
    path = write_deep_phonemizer(tmp_path / "p.pt", phoneme_dict={"en_us": {"so": heard}})
    assert built(path).phonemize(["so"])[0].phonemes == stands


@every("settings", [{"batch_size": 1}, {"batch_size": 3}])
def test_batch_size_and_company_change_no_pronunciation(checkpoint: Path, settings: dict[str, Any]) -> None:
    together = built(checkpoint).phonemize(WORDS)
    phonemizer = built(checkpoint, **settings)
    assert [phonemizer.phonemize([word])[0] for word in reversed(WORDS)] == together[::-1]
    assert built(checkpoint, **settings).phonemize(WORDS) == together


def test_half_precision_runs_on_a_cpu(checkpoint: Path) -> None:
    said = built(checkpoint, precision="bfloat16").phonemize(WORDS)
    assert all(one.phonemes and set(one.phonemes) <= SYMBOLS for one in said)
    exact = params(checkpoint).identity(), params(checkpoint).decides()
    assert params(checkpoint, precision="bfloat16").decides() != exact[1]


def test_the_older_form_without_an_archive_is_read_alike(checkpoint: Path, tmp_path: Path) -> None:
    old = write_deep_phonemizer(tmp_path / "old.pt", zipped=False)
    assert not zipfile.is_zipfile(old)
    assert built(old).phonemize(WORDS) == built(checkpoint).phonemize(WORDS)


def test_phonemizer_survives_pickling_after_use(checkpoint: Path) -> None:
    phonemizer = built(checkpoint)
    phonemizer.phones(["love"])
    assert pickle.loads(pickle.dumps(phonemizer)).phones(WORDS) == built(checkpoint).phones(WORDS)


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@every("zipped", [True, False])
@every("field", ["preprocessor", "step", "optimizer"])
def test_a_hostile_pickle_is_refused_without_running_it(tmp_path: Path, field: str, zipped: bool) -> None:
    mark = tmp_path / "ran"
    path = write_deep_phonemizer(tmp_path / "hostile.pt", zipped=zipped, **{field: Hostile(mark)})
    message = refused(path)
    assert "was not run" in message and "system" in message
    assert not mark.exists()
    torch.load(path, weights_only=False)  # an unsafe load would have run it
    assert mark.exists()


def test_an_allowed_name_brings_no_code_with_it(tmp_path: Path) -> None:
    """Not even what the installed package would do: the names stand for empty classes."""
    fields = checkpoint_fields()
    fields["preprocessor"].text_tokenizer.__dict__["__call__"] = "no code"
    path = write_deep_phonemizer(tmp_path / "p.pt", preprocessor=fields["preprocessor"])
    assert built(path).phonemize(["love"])[0].phonemes == "lʌv"


@every(
    "changed, words",
    [
        ({"preprocessor": {"a": 1}}, "preprocessor is missing or is not an object of DeepPhonemizer"),
        ({"phoneme_dict": {"en_us": {"love": 3}}}, "phoneme_dict"),
        ({"phoneme_dict": ["love"]}, "phoneme_dict"),
        ({"model": {"embedding.weight": "big"}}, "a floating-point tensor"),
        ({"model": {"embedding.weight": torch.zeros(29, 8)}}, "cannot be loaded as DeepPhonemizer"),
        ({"model": torch.zeros(3)}, "model is missing"),
        ({"config": {"model": {"type": "transformer", "heads": 10**9, "layers": 2}}}, "heads"),
        ({"config": {"model": {"type": "transformer", "heads": 3, "layers": 2}}}, "divisible"),
        ({"config": {"model": {"type": "autoreg_transformer"}}}, "autoreg_transformer"),
        ({"config": None}, "config is missing"),
    ],
)
def test_fields_of_the_wrong_kind_are_named(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    assert words in refused(write_deep_phonemizer(tmp_path / "p.pt", **changed))


@every(
    "field, value",
    [
        ("token_to_idx", {"_": 0, "a": 7}),
        ("token_to_idx", None),
        ("special_tokens", ["_"]),
        ("lowercase", "yes"),
        ("char_repeats", 10**9),
        ("char_repeats", True),
    ],
)
def test_a_tokenizer_of_the_wrong_kind_is_refused(tmp_path: Path, field: str, value: Any) -> None:
    preprocessor = checkpoint_fields()["preprocessor"]
    setattr(preprocessor.text_tokenizer, field, value)
    path = write_deep_phonemizer(tmp_path / "p.pt", preprocessor=preprocessor)
    assert f"text_tokenizer.{field}" in refused(path)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    torch.save({"state_dict": {"conv.weight": torch.zeros(3)}}, other)
    assert "cannot be loaded as DeepPhonemizer's forward model" in refused(other)
    torch.save(torch.nn.Linear(2, 2), other)
    assert "was not run" in refused(other)


def test_a_compressed_archive_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.pt"
    with zipfile.ZipFile(checkpoint) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            target.writestr(member.filename, source.read(member))
    assert "compressed" in refused(packed)


@every("zipped", [True, False])
def test_a_truncated_file_is_refused(tmp_path: Path, zipped: bool) -> None:
    path = write_deep_phonemizer(tmp_path / "p.pt", zipped=zipped)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "p.pt" in refused(path)


def test_what_is_not_there_is_said_before_anything_is_loaded(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "models.phonemizer.deep_phonemizer.weights: /no/such.pt does not exist" in refused("/no/such.pt")
    assert "is a folder; give the file" in refused(tmp_path)
    assert "is not on this machine" in refused("people/phonemizer")
    assert "language is 'de'; this checkpoint has en_us" in refused(checkpoint, language="de")
    monkeypatch.setattr(weights, "installed", lambda name: None if name == "inflect" else "1")
    assert "package inflect is not installed; run `pip install" in refused(checkpoint)


def test_identity_is_that_of_the_weights_known_without_loading_them(checkpoint: Path, tmp_path: Path) -> None:
    identity = params(checkpoint).identity()
    assert identity.startswith("deep-phonemizer-v2@") and built(checkpoint).identity == identity
    assert params(write_deep_phonemizer(tmp_path / "p.pt", seed=1)).identity() != identity


def test_every_released_symbol_is_one_a_song_can_carry() -> None:
    assert set(PHONEMES) <= SYMBOLS


def test_two_songs_are_phonemized_through_the_table(checkpoint: Path, tmp_path: Path) -> None:
    stage = Phonemize(load_params().phonemize, params(checkpoint))
    table = table_of(tmp_path, ["love hello", "日本 日本"])
    pipeline = Pipeline(table, [Spoken(Factor(factor=1.0)), stage])
    run_here(pipeline, tmp_path / "receipts")
    sung, foreign = sorted(pipeline.rows(["title", "words", "drop_reason"]), key=lambda row: row["title"])
    assert sung["words"][0]["phonemes"] == "lʌv" and sung["made_by"][-1].endswith(stage.models[0])
    assert foreign["drop_reason"] == "phoneme_unknown" and foreign["words"] is None
