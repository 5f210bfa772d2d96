import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.models.embedded.recogniser import (
    Recogniser,
    RecogniserConfig,
    load_recogniser,
    log_mel,
    save_recogniser,
)
from tasks.models.embedded.recogniser_facts import weights_path, weights_revision
from tasks.models.training import recogniser as recogniser_training
from tasks.models.training.recogniser import toy_config
from tasks.models.training.recogniser_songs import OTHER_WORDS, VARIANTS, render
from tasks.models.training.recogniser_steps import rate_at
from tests.every import every
from tests.tasks.models.sung import PHONEMIZER, songs

SHIPPED = ("recogniser", "recogniser_wide")
TINY = RecogniserConfig(("a", "b"), {"ab": ("a", "b")}, width=8, blocks=1)
IN_TWO = replace(TINY, ctc_parts=2)


@pytest.mark.parametrize("weights", SHIPPED)
def test_shipped_weights_are_small_and_hold_the_toy_vocabulary(weights):
    model = load_recogniser(weights)
    assert weights_path(weights).stat().st_size <= 2_500_000
    assert model.config == toy_config(model.config.width, model.config.blocks)


@pytest.mark.parametrize("weights", SHIPPED)
def test_receipt_of_the_shipped_weights_names_command_seed_and_figures(weights):
    receipt = json.loads(weights_path(weights).with_suffix(".json").read_text())
    model = load_recogniser(weights)
    assert receipt["command"].startswith(
        f"python -m tasks.models.training.recogniser --out {weights}.safetensors"
    )
    assert "--seed" in receipt["command"] and f"--width {model.config.width}" in receipt["command"]
    assert tuple(receipt["phones"]) == model.config.phones
    assert receipt["parameters"] == sum(p.numel() for p in model.parameters())
    rates = receipt["figures"]["rates"]
    assert rates["clean"]["wer all"] <= 0.03
    assert rates["separated"]["wer all"] <= 0.05 and rates["codec"]["wer all"] <= 0.05


def test_shipped_recognisers_differ_in_width_seed_and_training_songs():
    receipts = [json.loads(weights_path(weights).with_suffix(".json").read_text()) for weights in SHIPPED]
    assert len({receipt["width"] for receipt in receipts}) == len(SHIPPED)
    assert len({receipt["training_songs"] for receipt in receipts}) == len(SHIPPED)
    assert len({receipt["command"].split("--seed ")[1].split()[0] for receipt in receipts}) == len(SHIPPED)
    assert len({weights_revision(weights) for weights in SHIPPED}) == len(SHIPPED)


@every("config", [TINY, IN_TWO])
def test_a_saved_recogniser_is_loaded_whole(tmp_path, config):
    model = Recogniser(config).eval()
    save_recogniser(tmp_path / "tiny.safetensors", model)
    loaded = load_recogniser(str(tmp_path / "tiny.safetensors"))
    assert loaded.config == config
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())


def test_a_missing_or_extra_tensor_is_refused(tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_recogniser(path, Recogniser(TINY))
    tensors = load_file(path)
    config = {
        "config": json.dumps({"phones": ["a", "b"], "lexicon": {"ab": ["a", "b"]}, "width": 8, "blocks": 1})
    }
    for wrong in ({**tensors, "more": torch.zeros(1)}, dict(list(tensors.items())[1:])):
        save_file(wrong, path, metadata=config)
        with pytest.raises(ValueError, match=r"tiny\.safetensors is no recogniser"):
            load_recogniser(str(path))


def test_a_file_that_is_no_recogniser_is_refused(tmp_path):
    path = tmp_path / "noise.safetensors"
    path.write_bytes(b"not weights at all")
    with pytest.raises(ValueError, match="train it anew"):
        load_recogniser(str(path))


def test_revision_follows_the_bytes_of_the_weights(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    model = Recogniser(TINY)
    save_recogniser(first, model)
    save_recogniser(second, model)
    assert weights_revision(str(first)) == weights_revision(str(second))
    with torch.no_grad():
        model.norm.bias[0] += 1
    save_recogniser(second, model)
    assert weights_revision(str(first)) != weights_revision(str(second))


@every("num_frames", [2, 3, 400, 401])
def test_heads_cover_every_frame(num_frames):
    for config in (TINY, IN_TWO):
        ctc_BUV, frames_BTV = Recogniser(config)(torch.zeros(1, num_frames, 40))
        assert ctc_BUV.shape == (1, (num_frames + 1) // 2 * config.ctc_parts, 3)
        assert frames_BTV.shape == (1, num_frames + num_frames % 2, 3)


def test_listening_twice_gives_the_same_bytes_and_leaves_the_threads_alone():
    model, threads = load_recogniser("recogniser"), torch.get_num_threads()
    one, other = (model.listen(songs()[0].vocals_N) for _ in range(2))
    assert (
        one.ctc_UV.tobytes() == other.ctc_UV.tobytes()
        and one.frames_TV.tobytes() == other.frames_TV.tobytes()
    )
    assert torch.get_num_threads() == threads


def test_features_do_not_depend_on_gain():
    vocals_N = songs()[0].vocals_N
    assert np.abs(log_mel(vocals_N) - log_mel(vocals_N / 8)).max() < 1e-3


def test_features_of_a_long_song_are_made_in_blocks_without_seams():
    noise_N = np.random.default_rng(0).standard_normal(441 * 5000).astype(np.float32)
    mel_TM = log_mel(noise_N)
    assert mel_TM.shape == (5000, 40) and np.isfinite(mel_TM).all()
    assert np.abs(mel_TM[4090:4102].mean(1) - mel_TM.mean()).max() < 1


def test_other_words_of_the_training_songs_use_only_known_phones():
    known = set(toy_config(8, 1).phones)
    assert all(set(PHONEMIZER.phones([word])) <= known for word in OTHER_WORDS)
    assert not set(OTHER_WORDS) & set(toy_config(8, 1).lexicon)


def test_rendered_training_song_labels_what_is_sung():
    song = render(5_000_000, uniform=True)
    config = toy_config(8, 1)
    number = {phone: i + 1 for i, phone in enumerate(config.phones)}
    labels_T = song.labels(number, len(song.power["clean"]))
    assert set(song.power) == set(VARIANTS)
    assert len({power.shape for power in song.power.values()}) == 1
    loudness_T = song.power["clean"].astype(np.float32).mean(1)
    assert loudness_T[labels_T > 0].mean() > loudness_T[labels_T == 0].mean() + 2
    assert {phone.word for phone in song.phones} == set(range(len(song.words)))


def test_learning_rate_warms_up_stays_and_falls():
    rates = [rate_at(step, 1000) for step in (0, 49, 300, 599, 800, 999)]
    assert rates == pytest.approx([0.02, 1, 1, 1, 0.5, 0.02], abs=0.01)


@pytest.mark.slow
def test_a_wider_recogniser_with_another_seed_is_trained_by_the_same_command(tmp_path):
    quick = (
        f"--songs 1 --test-songs 1 --steps 3 --workers 1 --batch 2 --blocks 1 --cache {tmp_path / 'songs'}"
    )
    for name, seed, width in (("one", 0, 16), ("same", 0, 16), ("wide", 1, 32)):
        command = f"{quick} --out {tmp_path / name}.safetensors --seed {seed} --width {width}"
        recogniser_training.main(command.split())
    one, same, wide = (tmp_path / f"{name}.safetensors" for name in ("one", "same", "wide"))
    assert one.read_bytes() == same.read_bytes()
    assert load_recogniser(str(wide)).config.width == 32
    assert "--width 32" in json.loads(wide.with_suffix(".json").read_text())["command"]
