"""m4a, aac, opus and webm become the same stereo mix as any other file, within the same limits."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.content import begin_of_sound, form_of
from tasks.audio.read import load_mix, read_audio
from tasks.engine.song import Refused
from tests.every import every
from tests.tasks.audio.test_read import LIMITS, encoded, reason, tone

KINDS = {  # file ending: muxer, encoder (all of them come with PyAV), rate, samples put before the song
    "m4a": ("ipod", "aac", 44_100, 0),
    "alac.m4a": ("ipod", "alac", 44_100, 0),
    "aac": ("adts", "aac", 44_100, 1024),
    "webm": ("webm", "libopus", 48_000, 0),
    "opus": ("opus", "libopus", 48_000, 0),
}
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def written(
    audio_CN: np.ndarray, kind: str, rate: int | None = None, video_frames: int = 0, **options: str
) -> bytes:
    """A file of this kind, with a moving picture before the sound where asked."""
    muxer, codec, usual_rate, _ = KINDS[kind]
    rate = rate or usual_rate
    layout = LAYOUTS[len(audio_CN)]
    file = io.BytesIO()
    with av.open(file, "w", format=muxer, options=options) as output:
        sound = output.add_stream(codec, rate=rate, layout=layout)
        if video_frames:
            picture = output.add_stream("libvpx" if muxer == "webm" else "mpeg4", rate=25)
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
            for number in range(video_frames):
                image = av.VideoFrame(64, 64, "yuv420p")
                image.pts = number
                output.mux(picture.encode(image))
            output.mux(picture.encode())
        form = sound.codec_context.format
        for start in range(0, audio_CN.shape[1], 4096):
            block_CN = audio_CN[:, start : start + 4096]
            if form.name.startswith("s"):
                block_CN = block_CN * (2.0 ** (form.bits - 1) - 1)
            dtype = {"s16": np.int16, "s32": np.int32, "flt": np.float32}[form.name.removesuffix("p")]
            block = block_CN.astype(dtype) if form.is_planar else block_CN.T.astype(dtype).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), form.name, layout)
            frame.sample_rate, frame.pts = rate, start
            output.mux(sound.encode(frame))
        output.mux(sound.encode())
    return file.getvalue()


def silent_film() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        picture = output.add_stream("libvpx", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        image = av.VideoFrame(64, 64, "yuv420p")
        image.pts = 0
        output.mux(picture.encode(image))
        output.mux(picture.encode())
    return file.getvalue()


def subtitles() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        text = output.add_mux_stream("webvtt")
        for number in range(3):
            packet = av.Packet(b"la la la")
            packet.stream, packet.pts, packet.dts, packet.duration = text, number * 1000, number * 1000, 1000
            output.mux(packet)
    return file.getvalue()


@every("kind", KINDS)
def test_every_kind_becomes_the_same_stereo_mix(kind: str) -> None:
    _, _, rate, before = KINDS[kind]
    mix_CN, source = read_audio(io.BytesIO(written(tone(1.0, rate), kind)), LIMITS)
    assert mix_CN.dtype == np.float32 and mix_CN.shape[0] == 2
    assert (source.num_channels, source.sample_rate_hz) == (2, rate)
    assert SAMPLE_RATE_HZ <= mix_CN.shape[1] <= SAMPLE_RATE_HZ + before + 1024  # a frame of padding at most
    heard_CN = mix_CN[:, before + 5000 : before + 35_000]
    assert np.abs(heard_CN - tone(1.0)[:, 5000:35_000]).max() < 0.05  # no delay beyond what is stated


def test_lossless_m4a_is_exact_to_16_bits() -> None:
    mix_CN, _ = read_audio(io.BytesIO(written(tone(), "alac.m4a")), LIMITS)
    assert np.abs(mix_CN - tone()).max() < 2**-15


@every(("kind", "rate"), [("m4a", 8000), ("m4a", 96_000), ("aac", 22_050), ("webm", 16_000)])
def test_other_rates_are_resampled_with_pitch_kept(kind: str, rate: int) -> None:
    mix_CN, source = read_audio(io.BytesIO(written(tone(1.0, rate), kind, rate)), LIMITS)
    assert source.sample_rate_hz == (48_000 if kind == "webm" else rate)  # Opus always plays at 48 kHz
    assert np.abs(np.fft.rfft(mix_CN[0, :SAMPLE_RATE_HZ])).argmax() == 440


def test_mono_goes_to_both_sides_and_surround_is_mixed_down() -> None:
    mono_CN, source = read_audio(io.BytesIO(written(tone(channels=1), "m4a")), LIMITS)
    assert np.array_equal(mono_CN[0], mono_CN[1]) and source.num_channels == 1
    surround_CN, source = read_audio(io.BytesIO(written(tone(0.5, 48_000, channels=6), "webm")), LIMITS)
    assert source.num_channels == 6 and surround_CN.shape[0] == 2


def test_of_a_film_only_the_sound_is_read() -> None:
    film = written(tone(1.0, 48_000), "webm", video_frames=50)
    mix_CN, source = read_audio(io.BytesIO(film), LIMITS)
    assert source.duration_s == pytest.approx(1.0, abs=0.03)
    assert np.abs(mix_CN[:, 5000:35_000] - tone(1.0)[:, 5000:35_000]).max() < 0.05


def test_a_file_without_sound_is_no_audio() -> None:
    assert reason(silent_film()) == "not_audio"
    assert reason(subtitles()) == "not_audio"


def test_of_several_sounds_the_first_is_read() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="ipod") as output:
        streams = [output.add_stream("aac", rate=44_100, layout=layout) for layout in ("mono", "stereo")]
        for stream, audio_CN in zip(streams, (tone(channels=1), 0 * tone()), strict=True):
            frame = av.AudioFrame.from_ndarray(audio_CN.astype(np.float32), "fltp", stream.layout.name)
            frame.sample_rate, frame.pts = 44_100, 0
            output.mux(stream.encode(frame))
            output.mux(stream.encode())
    mix_CN, source = read_audio(io.BytesIO(file.getvalue()), LIMITS)
    assert source.num_channels == 1 and np.abs(mix_CN).max() > 0.4


@every("kind", ["m4a", "alac.m4a", "aac", "webm"])
@every("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_truncated(kind: str, share: float) -> None:
    whole = written(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 48_000)), kind)
    assert reason(whole[: int(len(whole) * share)]) == "truncated"


@every("kind", ["m4a", "aac", "webm"])
def test_a_tag_behind_the_sound_does_no_harm(kind: str) -> None:
    tagged = written(tone(0.5, KINDS[kind][2]), kind) + b"TAG" + b"A title".ljust(125, b"\0")
    assert read_audio(io.BytesIO(tagged), LIMITS)[1].duration_s == pytest.approx(0.5, abs=0.06)


def test_a_streamable_m4a_cut_short_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    with (
        av.open(io.BytesIO(written(tone(4.0), "m4a"))) as whole,
        av.open(str(path), "w", format="ipod", options={"movflags": "faststart"}) as output,
    ):
        stream = output.add_stream_from_template(whole.streams.audio[0])
        for packet in whole.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert reason(data[: len(data) // 2]) == "truncated"


def test_a_container_that_promises_more_than_it_holds_is_truncated() -> None:
    film = bytearray(written(tone(2.0), "m4a"))
    place = film.rindex(b"stsz") + 12  # the number of packets
    film[place : place + 4] = (20).to_bytes(4, "big")
    assert reason(bytes(film)) == "truncated"


@every(
    "data",
    [
        b"\x00\x00\x00\x18ftypM4A " + b"x" * 2000,
        b"\x00\x00\x00\x18ftypM4A ",
        b"\x1a\x45\xdf\xa3" + b"x" * 2000,
        b"\x1a\x45\xdf\xa3",
        b"\xff\xf1" + bytes(2000),
        b"\xff\xf1",
        b"ID3\x04\x00\x00\x00\x00\x00\x00\xff\xf1",
    ],
)
def test_garbage_behind_a_good_beginning_is_refused(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert reason(data) in ("not_audio", "truncated")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["m4a", "aac", "webm"])
def test_damage_never_passes_a_limit_or_raises_anything_else(kind: str) -> None:
    whole, noise = written(tone(), kind), np.random.default_rng(1)
    for _ in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[noise.integers(0, len(whole), 12)] = noise.integers(0, 256, 12)
        try:
            mix_CN, source = read_audio(io.BytesIO(damaged.tobytes()), LIMITS)
        except Refused as refusal:
            assert refusal.reason in (
                "not_audio", "truncated", "empty", "too_short", "too_long", "bad_rate", "too_many_channels", "not_finite",
            )  # fmt: skip
        else:
            assert source.duration_s <= LIMITS.max_seconds and np.isfinite(mix_CN).all()


@every(
    "text",
    [
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    ],
)
def test_playlists_are_no_audio_and_reach_no_demuxer(text: bytes) -> None:
    assert form_of(text * 20, 0) is None
    assert reason(text * 20) == "not_audio"


def test_a_codec_that_is_not_on_the_list_is_refused() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("ac3", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(tone().astype(np.float32), "fltp", "stereo")
        frame.sample_rate = 44_100
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    assert reason(file.getvalue()) == "not_audio"


def test_limits_name_what_they_refuse() -> None:
    tight = LIMITS.model_copy(update={"max_seconds": 1.0, "max_channels": 2, "max_rate_hz": 44_100})
    for kind in ("m4a", "aac", "webm"):
        rate = KINDS[kind][2]
        assert reason(written(tone(6.0, rate), kind)) == "too_long"
        assert (
            reason(written(tone(0.4, rate), kind), LIMITS.model_copy(update={"max_bytes": 100}))
            == "too_large"
        )
    assert reason(written(tone(0.02), "alac.m4a")) == "too_short"
    assert reason(written(tone(channels=6), "m4a"), tight) == "too_many_channels"
    assert reason(written(tone(0.5, 48_000), "webm"), tight) == "bad_rate"


def test_a_claim_of_hours_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.audio.ffmpeg.gathered", lambda *_: pytest.fail("decoded"))
    film = bytearray(written(tone(1.0), "alac.m4a"))
    for table, number in ((b"stts", 16), (b"mdhd", 20), (b"elst", 12)):  # wherever a length stands
        place = film.index(table) + number
        film[place : place + 4] = (50_000_000).to_bytes(4, "big")
    assert reason(bytes(film)) == "too_long"
    film = bytearray(written(tone(1.0, 48_000), "webm"))
    place = film.index(b"\x44\x89\x88") + 3  # the duration in ms, a float64
    film[place : place + 8] = np.array(3.6e6, ">f8").tobytes()
    assert reason(bytes(film)) == "too_long"


def test_more_sound_than_the_container_claims_stops_at_the_limit() -> None:
    film = bytearray(written(tone(4.0, 48_000), "webm"))
    place = film.index(b"\x44\x89\x88") + 3  # the duration in ms, a float64
    film[place : place + 8] = np.array(500.0, ">f8").tobytes()
    assert reason(bytes(film), LIMITS.model_copy(update={"max_seconds": 2.0})) == "too_long"


def test_an_id3_tag_hides_neither_aac_nor_mp3() -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
    for data, form in ((written(tone(), "aac"), "aac"), (encoded(tone(), format="MP3"), "mpeg")):
        assert form_of(tag + data, begin_of_sound(tag + data)) == form
    assert read_audio(io.BytesIO(tag + written(tone(), "aac")), LIMITS)[1].num_channels == 2
    assert read_audio(io.BytesIO(tag + encoded(tone(), format="MP3")), LIMITS)[1].num_channels == 2


def test_a_mix_is_loaded_from_a_path_too(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(written(tone(), "m4a"))
    assert load_mix({"path": "a.m4a", "bytes": None}, str(tmp_path)).shape[0] == 2


def test_equal_files_give_equal_samples() -> None:
    data = written(tone(), "webm", 48_000)
    first_CN, again_CN = (read_audio(io.BytesIO(data), LIMITS)[0] for _ in range(2))
    assert np.array_equal(first_CN, again_CN)
