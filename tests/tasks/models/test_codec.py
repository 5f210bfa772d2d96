"""The codec keeps levels, pitch and silence, on unit scale, in the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.frames import HOP_SAMPLES, LATENT_CHANNELS, SAMPLE_RATE_HZ, seconds_of_frames
from tasks.models.codec import Codec, HarmonicCodec, VocoderCodec, build_codec
from tasks.models.embedded.harmonic import compact, spread_out
from tasks.models.embedded.vocoder import MID_BANDS, PITCH, PITCH_ORIGIN_HZ
from tasks.models.embedded.vocoder import raw_channels as raw
from tests.tasks.models.played import played

PARAMS = load_params().models.codec
BOTH: tuple[Codec, ...] = (VocoderCodec(), HarmonicCodec())


@pytest.fixture(scope="module")
def codec() -> Codec:
    return build_codec(PARAMS)


def test_latents_have_unit_scale_on_songs_the_constants_never_saw(codec: Codec) -> None:
    latent_TC = np.concatenate([codec.encode(song.mix_CN)[0] for _, song in played(3)])
    assert latent_TC.shape[1] == LATENT_CHANNELS and latent_TC.dtype == np.float32
    assert np.abs(latent_TC.mean(axis=0)).max() < 0.5
    assert 0.8 < latent_TC.std() < 1.2
    assert np.abs(latent_TC).max() < 10


def test_silence_is_no_far_outlier() -> None:
    for codec in BOTH:
        mean_TC, _ = codec.encode(np.zeros((2, 5 * HOP_SAMPLES), np.float32))
        assert np.array_equal(mean_TC, np.tile(codec.silence_C, (5, 1)))
        assert np.abs(codec.silence_C).max() < 4
        assert np.sqrt((codec.silence_C**2).mean()) < 2.5


def test_decoded_silence_is_silent_even_when_a_little_wrong() -> None:
    for codec in BOTH:
        silence_TC = np.tile(codec.silence_C, (60, 1))
        wrong_TC = silence_TC + 0.1 * np.random.default_rng(0).standard_normal(silence_TC.shape)
        assert np.abs(codec.decode(silence_TC)).max() < 1e-3
        assert codec.decode(wrong_TC).std() < 0.003


def test_only_whole_frames_are_encoded_and_the_std_is_stated(codec: Codec) -> None:
    mix_CN = played(1)[0][1].mix_CN[:, : 7 * HOP_SAMPLES + 2047]
    mean_TC, std_TC = codec.encode(mix_CN)
    assert mean_TC.shape == std_TC.shape == (7, LATENT_CHANNELS)
    assert np.unique(std_TC).size == 1 and 0 < std_TC[0, 0] < 0.2


def test_any_finite_latents_of_any_length_decode_to_their_samples() -> None:
    for codec in BOTH:
        for num_frames, scale in ((1, 1.0), (2, 1.0), (37, 1.0), (3, 1e6)):
            random = np.random.default_rng(num_frames)
            audio_CN = codec.decode(scale * random.standard_normal((num_frames, LATENT_CHANNELS)))
            assert audio_CN.shape == (2, num_frames * HOP_SAMPLES) and audio_CN.dtype == np.float32
            assert np.isfinite(audio_CN).all() and np.abs(audio_CN).max() <= 1


def test_a_chord_beside_a_voice_survives_the_harmonic_codec_and_not_the_vocoder() -> None:
    """The share of the power on notes that is on those of the chord, under a voice that glides."""
    time_N = np.arange(4 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    chord = (57, 61, 64)
    shares = []
    band_N = sum(0.04 * np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * time_N) for midi in chord)
    glide_N = 2 * np.pi * np.cumsum(130 + 25 * np.sin(3 * time_N)) / SAMPLE_RATE_HZ
    voice_N = sum(0.08 / partial * np.sin(partial * glide_N) for partial in range(1, 20))
    mix_CN = np.stack([band_N + voice_N] * 2).astype(np.float32)
    for codec in BOTH:
        mono_N = codec.decode(codec.encode(mix_CN)[0]).mean(axis=0)
        power_K = np.abs(np.fft.rfft(mono_N * np.hanning(len(mono_N)))) ** 2
        hz_K = np.fft.rfftfreq(len(mono_N), 1 / SAMPLE_RATE_HZ)
        note_K = 12 * np.log2(np.maximum(hz_K, 1) / 440) + 69
        of_note = {
            midi: power_K[np.abs(note_K - midi) < 0.1].sum() for midi in range(chord[0] - 1, chord[-1] + 2)
        }
        shares.append(sum(of_note[midi] for midi in chord) / sum(of_note.values()))
    assert shares[0] < 0.6 < 0.75 < shares[1], shares


def test_levels_of_the_harmonic_codec_come_back_but_for_fine_movement() -> None:
    ramp_FB = np.repeat(np.random.default_rng(3).standard_normal((5, MID_BANDS)), 4, axis=0)
    assert np.allclose(spread_out(compact(ramp_FB)), ramp_FB, atol=1e-4)
    strike_FB = np.zeros((8, MID_BANDS))
    strike_FB[2] = 12.0  # of all bands at once
    assert np.allclose(spread_out(compact(strike_FB)), strike_FB, atol=1e-4)


def test_a_round_trip_keeps_levels_within_two_decibels(codec: Codec) -> None:
    for _, song in played(1):
        again_CN = codec.decode(codec.encode(song.mix_CN)[0])
        before, after = raw(song.mix_CN), raw(again_CN)
        assert np.abs(after - before)[:, :PITCH].mean() < 2.0
        assert again_CN.std() == pytest.approx(song.mix_CN.std(), rel=0.35)


def test_the_sung_pitch_is_found_in_the_mix_and_survives_the_round_trip(codec: Codec) -> None:
    right: dict[str, list[bool]] = {"mix": [], "again": []}
    for score, song in played(2):
        sources = {"mix": song.mix_CN, "again": codec.decode(codec.encode(song.mix_CN)[0])}
        for name, audio_CN in sources.items():
            pitch_hz_T = PITCH_ORIGIN_HZ * 2 ** (raw(audio_CN)[:, PITCH] / 12)
            time_T = seconds_of_frames(1) * (np.arange(len(pitch_hz_T)) + 0.5)
            for note in score.notes:
                since_T = (time_T - note.start_s) / note.duration_s
                steady_T = (since_T > 0.2) & (since_T < 0.65)
                away_T = 12 * np.log2(pitch_hz_T[steady_T] / 440) + 69 - note.midi
                right[name].extend(np.abs(away_T) < 1)
    assert np.mean(right["mix"]) > 0.85
    assert np.mean(right["again"]) > 0.85


def test_the_stereo_width_survives_and_mono_stays_mono(codec: Codec) -> None:
    for score, song in played(1):
        again_CN = codec.decode(codec.encode(song.mix_CN)[0])
        side_N, mid_N = again_CN[0] - again_CN[1], again_CN[0] + again_CN[1]
        if score.genre == "mono-blues":
            assert side_N.std() < 0.02 * mid_N.std()
        else:
            assert side_N.std() > 0.1 * mid_N.std()


def test_the_same_bytes_both_ways_in_two_codecs() -> None:
    mix_CN = played(1)[1][1].mix_CN
    for codec, again in zip(BOTH, (VocoderCodec(), HarmonicCodec()), strict=True):
        latent_TC = codec.encode(mix_CN)[0]
        assert latent_TC.tobytes() == again.encode(mix_CN)[0].tobytes()
        assert codec.decode(latent_TC).tobytes() == again.decode(latent_TC).tobytes()


def test_a_longer_song_begins_like_a_shorter_one() -> None:
    for codec in BOTH:
        latent_TC = codec.encode(played(1)[0][1].mix_CN)[0]
        short_CN, long_CN = codec.decode(latent_TC[:40]), codec.decode(latent_TC[:80])
        assert np.allclose(short_CN[:, : 38 * HOP_SAMPLES], long_CN[:, : 38 * HOP_SAMPLES], atol=1e-4)


def test_wrong_shapes_and_values_are_named(codec: Codec) -> None:
    with pytest.raises(ValueError, match=r"\[2, N\]"):
        codec.encode(np.zeros((1, SAMPLE_RATE_HZ), np.float32))
    with pytest.raises(ValueError, match="2048"):
        codec.encode(np.zeros((2, 100), np.float32))
    with pytest.raises(ValueError, match="64"):
        codec.decode(np.zeros((5, 63), np.float32))
    with pytest.raises(ValueError, match="NaN"):
        codec.decode(np.full((5, 64), np.nan, np.float32))


def test_identity_is_known_without_building_and_unknown_models_are_refused() -> None:
    assert PARAMS.identity() == build_codec(PARAMS).identity
    assert PARAMS.identity().startswith("embedded/")
    harmonic = PARAMS.model_copy(update={"model": "harmonic"})
    assert harmonic.identity() == build_codec(harmonic).identity != PARAMS.identity()
    assert harmonic.decides() == {"model": "harmonic"}
    with pytest.raises(ValueError, match="embedded, harmonic, stable_audio"):
        PARAMS.model_copy(update={"model": "dac"}).identity()
