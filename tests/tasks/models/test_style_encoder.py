"""The style encoder tells genres apart, before and after the codec, from audio and from text."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.frames import SAMPLE_RATE_HZ, STYLE_DIM
from tasks.models.codec import VocoderCodec
from tasks.models.style_encoder import StyleEncoder, build_style_encoder
from tasks.toy.composition import GENRES, song_seed
from tasks.toy.world_two.band import play_band
from tasks.toy.world_two.composition import compose as compose_two
from tasks.toy.world_two.score import GENRES as GENRES_TWO
from tests.every import every
from tests.tasks.models.played import played, with_noise

PARAMS = load_params().models.style_encoder


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    return build_style_encoder(PARAMS)


@pytest.fixture(scope="module")
def styles(encoder: StyleEncoder) -> dict[str, np.ndarray]:
    """[songs, 512] of true songs and of their codec round trips."""
    codec = VocoderCodec()
    songs = [song.mix_CN for _, song in played(3)]
    return {
        "true": np.concatenate([encoder.embed_audio(mix_CN) for mix_CN in songs]),
        "codec": np.concatenate(
            [encoder.embed_audio(codec.decode(codec.encode(mix_CN)[0])) for mix_CN in songs]
        ),
    }


def test_a_song_is_one_unit_row_of_512(encoder: StyleEncoder) -> None:
    style_nS = encoder.embed_audio(played(1)[0][1].mix_CN)
    assert style_nS.shape == (1, STYLE_DIM) and style_nS.dtype == np.float32
    assert np.linalg.norm(style_nS) == pytest.approx(1, abs=1e-5)


def test_a_long_song_gives_a_row_for_every_ten_seconds(encoder: StyleEncoder) -> None:
    mix_CN = np.tile(played(1)[0][1].mix_CN, 5)[:, : 31 * SAMPLE_RATE_HZ]
    assert encoder.embed_audio(mix_CN).shape == (3, STYLE_DIM)


@pytest.mark.parametrize("heard", ["true", "codec"])
def test_songs_of_a_genre_are_nearer_than_songs_of_another(styles: dict[str, np.ndarray], heard: str) -> None:
    genres = np.array([score.genre for score, _ in played(3)])
    cosine_MM = styles[heard] @ styles["true"].T
    same_MM = (genres[:, None] == genres) & ~np.eye(len(genres), dtype=bool)
    other_MM = genres[:, None] != genres
    assert cosine_MM[same_MM].mean() > cosine_MM[other_MM].mean() + 0.5
    assert np.quantile(cosine_MM[same_MM], 0.1) > np.quantile(cosine_MM[other_MM], 0.9)


def test_the_codec_changes_the_style_of_a_song_little(styles: dict[str, np.ndarray]) -> None:
    assert (styles["true"] * styles["codec"]).sum(axis=1).min() > 0.8


def test_the_words_of_a_genre_point_to_its_songs(
    encoder: StyleEncoder, styles: dict[str, np.ndarray]
) -> None:
    text_GS = np.stack([encoder.embed_text(genre.description) for genre in GENRES.values()])
    names = list(GENRES)
    right = [
        names[nearest] == score.genre
        for (score, _), nearest in zip(played(3), (styles["true"] @ text_GS.T).argmax(axis=1), strict=True)
    ]
    assert np.mean(right) > 0.9


def test_full_prompts_and_tempo_alone_are_understood(encoder: StyleEncoder) -> None:
    for score, _ in played(1):
        prompt_S = encoder.embed_text(score.style_text)
        assert np.linalg.norm(prompt_S) == pytest.approx(1, abs=1e-5)
        assert prompt_S @ encoder.embed_text(score.genre) > 0.9
    fast_S, slow_S = encoder.embed_text("126 bpm"), encoder.embed_text("84 BPM")
    assert fast_S @ encoder.embed_text("rock") > slow_S @ encoder.embed_text("rock")
    assert np.isfinite(encoder.embed_text("9000 bpm")).all()


@every("text", ["", "polyphonic throat singing", "0 bpm of nothing"])
def test_text_without_a_known_tag_is_refused_with_the_tags(encoder: StyleEncoder, text: str) -> None:
    with pytest.raises(ValueError, match=r"ballad.*bpm"):
        encoder.embed_text(text)


def test_loudness_is_no_style(encoder: StyleEncoder) -> None:
    mix_CN = played(1)[1][1].mix_CN
    assert (encoder.embed_audio(mix_CN) @ encoder.embed_audio(0.5 * mix_CN).T).item() > 0.95


def test_the_negative_style_is_a_unit_constant_away_from_full_songs(
    encoder: StyleEncoder, styles: dict[str, np.ndarray]
) -> None:
    assert encoder.negative_style.shape == (STYLE_DIM,)
    assert np.linalg.norm(encoder.negative_style) == pytest.approx(1, abs=1e-5)
    assert (styles["true"] @ encoder.negative_style).mean() < 0.6


def test_windows_are_finite_standardised_and_move_with_noise(encoder: StyleEncoder) -> None:
    mix_CN = played(1)[2][1].mix_CN
    window_WD = encoder.windows(mix_CN)
    seconds = mix_CN.shape[1] / SAMPLE_RATE_HZ
    assert abs(len(window_WD) - (2 * seconds - 1)) <= 1.5
    assert window_WD.shape[1] <= 48 and window_WD.dtype == np.float32
    away = np.linalg.norm(encoder.windows(with_noise(mix_CN, 10)).mean(axis=0) - window_WD.mean(axis=0))
    assert away > 2
    assert np.isfinite(encoder.windows(np.zeros((2, 4096), np.float32))).all()


def test_silence_and_short_sounds_still_have_a_style(encoder: StyleEncoder) -> None:
    for audio_CN in (np.zeros((2, 2048)), np.zeros((2, 100_000)), np.full((2, 3000), 0.1)):
        assert np.linalg.norm(encoder.embed_audio(audio_CN.astype(np.float32))) == pytest.approx(1, abs=1e-4)


def test_the_same_bytes_twice_and_the_identity_known_without_building() -> None:
    mix_CN = played(1)[0][1].mix_CN
    first, second = build_style_encoder(PARAMS), build_style_encoder(PARAMS)
    assert first.embed_audio(mix_CN).tobytes() == second.embed_audio(mix_CN).tobytes()
    assert PARAMS.identity() == first.identity
    with pytest.raises(ValueError, match="embedded"):
        build_style_encoder(PARAMS.model_copy(update={"model": "muk"}))


def test_the_encoder_of_world_two_hears_the_genre_of_one_song_played_in_each(encoder: StyleEncoder) -> None:
    """Of one score each part of which has a style of its own: bands alone, since a voice takes longer than the test may."""
    heard = build_style_encoder(PARAMS.model_copy(update={"model": "world_two"}))
    features = load_params().toy.two.model_copy(update={"max_duration_s": 14.0})
    score = compose_two(song_seed(31_337, 1), features)
    bands = {genre: play_band(dataclasses.replace(score, genre=genre)) for genre in GENRES_TWO}
    style_GS = np.concatenate([heard.embed_audio(band_CN)[:1] for band_CN in bands.values()])
    text_GS = np.stack([heard.embed_text(genre.description) for genre in GENRES_TWO.values()])
    assert ((style_GS @ text_GS.T).argmax(axis=1) == np.arange(len(bands))).all()
    assert np.linalg.norm(style_GS, axis=1) == pytest.approx(1, abs=1e-5)
    with_voice_S = heard.embed_text("bright pop, 108 bpm, female voice")
    assert with_voice_S @ heard.embed_text("bright pop, male voice") < with_voice_S @ heard.embed_text("pop")
    assert heard.identity != encoder.identity and np.linalg.norm(heard.negative_style) == pytest.approx(1)
    with pytest.raises(ValueError, match=r"ballad.*male voice"):
        heard.embed_text("126 bpm")
