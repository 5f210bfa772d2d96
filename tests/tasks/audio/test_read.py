"""Audio in and out: every file becomes 44.1 kHz stereo or names its reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.limits import AudioParams
from tasks.audio.read import array_of, flac_bytes, load_mix, npy_bytes, read_audio, read_bytes
from tasks.engine.song import Refused
from tests.every import every

LIMITS = AudioParams(max_seconds=5, max_bytes=4_000_000, max_channels=6, min_rate_hz=8000, max_rate_hz=96_000)


def tone(seconds: float = 0.5, rate: int = SAMPLE_RATE_HZ, channels: int = 2) -> np.ndarray:
    time_s = np.arange(int(seconds * rate)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * 440 * time_s + channel) for channel in range(channels)])


def encoded(audio_CN: np.ndarray, rate: int = SAMPLE_RATE_HZ, **kind: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio_CN.T, rate, **kind)
    return file.getvalue()


def reason(data: bytes, limits: AudioParams = LIMITS) -> str:
    with pytest.raises(Refused) as refusal:
        read_audio(io.BytesIO(data), limits)
    return refusal.value.reason


@every("kind", ["WAV", "FLAC", "MP3", "OGG"])
def test_every_format_becomes_the_same_stereo_mix(kind: str) -> None:
    mix_CN, source = read_audio(io.BytesIO(encoded(tone(), format=kind)), LIMITS)
    assert mix_CN.dtype == np.float32 and mix_CN.shape[0] == 2
    assert abs(mix_CN.shape[1] - SAMPLE_RATE_HZ // 2) <= 1200  # mp3 pads
    assert (source.num_channels, source.sample_rate_hz) == (2, SAMPLE_RATE_HZ)
    middle_CN = mix_CN[:, 5000:15_000]
    assert np.abs(middle_CN).max() == pytest.approx(0.5, abs=0.02)


@every("rate", [8000, 22_050, 48_000, 96_000])
def test_other_rates_are_resampled_with_pitch_and_length_kept(rate: int) -> None:
    mix_CN, source = read_audio(io.BytesIO(encoded(tone(1.0, rate), rate, format="WAV")), LIMITS)
    assert mix_CN.shape == (2, SAMPLE_RATE_HZ)
    assert source.duration_s == pytest.approx(1.0)
    assert np.abs(np.fft.rfft(mix_CN[0])).argmax() == 440


def test_mono_goes_to_both_sides() -> None:
    mix_CN, source = read_audio(io.BytesIO(encoded(tone(channels=1), format="FLAC")), LIMITS)
    assert np.array_equal(mix_CN[0], mix_CN[1]) and source.num_channels == 1


def test_surround_is_mixed_down_without_clipping() -> None:
    mix_CN, source = read_audio(io.BytesIO(encoded(np.full((6, 9000), 0.9), format="WAV")), LIMITS)
    assert source.num_channels == 6
    assert np.allclose(mix_CN, 0.9, atol=1e-3)


def test_louder_than_full_scale_is_turned_down_not_clipped() -> None:
    mix_CN, _ = read_audio(io.BytesIO(encoded(4 * tone(), format="WAV", subtype="FLOAT")), LIMITS)
    assert np.abs(mix_CN).max() == pytest.approx(1.0)
    assert np.allclose(mix_CN, tone() / np.abs(tone()).max(), atol=1e-5)


@every("data", [b"hello, I am no audio" * 50, b"RIFF\x00\x00\x00\x00WAVE", b"\x00" * 1000, b"fLaC"])
def test_what_is_no_audio_is_refused(data: bytes) -> None:
    assert reason(data) == "not_audio"


def test_an_empty_file_and_a_file_without_samples_are_empty() -> None:
    assert reason(b"") == "empty"
    assert reason(encoded(np.zeros((2, 0)), format="WAV")) == "empty"


@every("kind", ["WAV", "FLAC"])
def test_a_file_cut_short_is_truncated(kind: str) -> None:
    whole = encoded(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 40_000)), format=kind)
    assert reason(whole[: len(whole) // 2]) in ("truncated", "not_audio")


def test_a_wav_of_rate_zero_is_refused() -> None:
    data = bytearray(encoded(tone(), format="WAV"))
    data[24:28] = bytes(4)
    assert reason(bytes(data)) in ("bad_rate", "not_audio")


@every("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_not_finite(value: float) -> None:
    audio_CN = tone()
    audio_CN[1, 77] = value
    assert reason(encoded(audio_CN, format="WAV", subtype="FLOAT")) == "not_finite"


def test_limits_name_what_they_refuse() -> None:
    assert reason(encoded(tone(6.0, 8000), 8000, format="WAV")) == "too_long"
    assert reason(encoded(tone(0.04), format="WAV")) == "too_short"
    assert reason(encoded(tone(), format="WAV"), LIMITS.model_copy(update={"max_bytes": 100})) == "too_large"
    assert reason(encoded(tone(channels=8), format="WAV")) == "too_many_channels"
    assert reason(encoded(tone(0.5, 4000), 4000, format="WAV")) == "bad_rate"
    assert reason(encoded(tone(0.5, 192_000), 192_000, format="WAV")) == "bad_rate"


def test_a_header_that_promises_hours_is_refused_before_decoding() -> None:
    flac = bytearray(encoded(tone(), format="FLAC"))
    flac[21] |= 0x0F  # the upper bits of the number of samples in STREAMINFO
    assert reason(bytes(flac)) == "too_long"


def test_flac_bytes_are_the_same_twice_and_keep_16_bits() -> None:
    audio_CN = tone().astype(np.float32)
    data = flac_bytes(audio_CN, SAMPLE_RATE_HZ)
    again_CN, rate = read_bytes(data)
    assert data == flac_bytes(audio_CN.copy(), SAMPLE_RATE_HZ)
    assert rate == SAMPLE_RATE_HZ
    assert np.abs(again_CN - audio_CN).max() <= 1 / 32_768
    assert flac_bytes(again_CN, rate) == data


def test_flac_of_a_mono_line_has_one_channel_and_clips_at_full_scale() -> None:
    again_CN, _ = read_bytes(flac_bytes(np.full(3000, 2.0, np.float32), 8000))
    assert again_CN.shape == (1, 3000) and again_CN.max() < 1


def test_flac_refuses_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="not_finite"):
        flac_bytes(np.full(10, np.nan), SAMPLE_RATE_HZ)


def test_arrays_travel_as_npy_and_pickles_are_refused() -> None:
    array_TC = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert npy_bytes(array_TC) == npy_bytes(array_TC.copy())
    assert np.array_equal(array_of(npy_bytes(array_TC)), array_TC)
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        array_of(file.getvalue())


def test_a_mix_is_loaded_from_its_path_or_its_bytes(tmp_path: Path) -> None:
    data = flac_bytes(tone(), SAMPLE_RATE_HZ)
    (tmp_path / "Ünïcode song.flac").write_bytes(data)
    from_path_CN = load_mix({"path": "Ünïcode song.flac", "bytes": None}, str(tmp_path))
    from_bytes_CN = load_mix({"path": None, "bytes": data}, "/nowhere")
    assert np.array_equal(from_path_CN, from_bytes_CN)


def test_a_path_out_of_the_songs_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="out of the songs folder"):
        load_mix({"path": "../secret.wav", "bytes": None}, str(tmp_path))
    with pytest.raises(ValueError, match="neither"):
        load_mix({"path": None, "bytes": None}, str(tmp_path))
