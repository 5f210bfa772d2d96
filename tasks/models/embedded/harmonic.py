"""A vocoder with a band: the vocoder's voice in fewer numbers, and beside it the tones of the chords and the bass."""

from __future__ import annotations

import numpy as np

from jam_model.frames import HOP_SAMPLES, frames_of_samples
from tasks.models.embedded.spectra import band_energies, bin_hz, istft, mel_bank, power, stft
from tasks.models.embedded.tones import (BASS_MIDI, LOW_MIDI, NUM_REGISTERS, PITCH_CLASSES, PHASE, Tones, analyse_tones, notes, register_of, sines)
from tasks.models.embedded.vocoder import (
    HIGH_HZ, HOP, LOW_HZ, MID_BANDS, MID_FLOOR_DB, NOISE_SEEDS, HARMONIC_LIMIT_HZ, SHORT_FRAMES, SIDE_BANDS, SIDE_FLOOR_DB, SIZE,
    VOICED_CLARITY, VOICING_RANGE, VOICING_SCALE, at_energies, energies_of, gains, levels_db, noise, pulses, voice_pitch,
)

GROUPS = ((0, 3), (3, 7), (7, 14))
TONE_FLOOR_DB, TONE_OFFSET_DB = 0.0, 60.0
SIDE_RATIO_DB = 15.0
RESIDUAL = 0.05
TONE_LIMIT = 1.0


def levels_to_channels(level_FB):
    import scipy.fft
    level_TSB = level_FB.reshape(-1, SHORT_FRAMES, level_FB.shape[1])
    c = scipy.fft.dct(level_TSB, axis=1, norm="ortho")
    fine = np.concatenate([c[:, 2:, a:b].mean(axis=2) for a, b in GROUPS], axis=1)
    return np.concatenate([c[:, 0] / 2, c[:, 1], fine], axis=1)


def channels_to_levels(channels):
    import scipy.fft
    T = len(channels)
    c = np.zeros((T, SHORT_FRAMES, MID_BANDS), np.float32)
    c[:, 0] = 2 * channels[:, :MID_BANDS]
    c[:, 1] = channels[:, MID_BANDS:2 * MID_BANDS]
    for g, (a, b) in enumerate(GROUPS):
        c[:, 2:, a:b] = channels[:, 2 * MID_BANDS + 2 * g:2 * MID_BANDS + 2 * g + 2][:, :, None]
    return scipy.fft.idct(c, axis=1, norm="ortho").reshape(-1, MID_BANDS)


NUM_LEVELS = 2 * MID_BANDS + 2 * len(GROUPS)
CUTS = np.cumsum([NUM_LEVELS, SHORT_FRAMES, 1, 1, SIDE_BANDS, PITCH_CLASSES, NUM_REGISTERS, 1, 1])
TOP = slice(256, 466)
TOP_FLOOR_DB = -20.0
TONE_GAIN = 1.0


def to_db(p): return 10 * np.log10(p * 10 ** (TONE_OFFSET_DB / 10) + 1)
def from_db(db): return np.maximum(10 ** ((np.minimum(db, 60) ) / 10) - 1.3, 0) * 10 ** (-TONE_OFFSET_DB / 10)


def top_db(mid_N):
    return 10 * np.log10(power(stft(mid_N, SIZE, HOP)[:, TOP]).mean(axis=1) + 10 ** (TOP_FLOOR_DB / 10))


def raw_channels(mix_CN):
    T = frames_of_samples(mix_CN.shape[1])
    mix_CN = mix_CN[:, : T * HOP_SAMPLES]
    mid_N, side_N = (mix_CN[0] + mix_CN[1]) / 2, (mix_CN[0] - mix_CN[1]) / 2
    mid_FB = levels_db(mid_N, MID_BANDS, MID_FLOOR_DB)
    side_FB = levels_db(side_N, SIDE_BANDS, SIDE_FLOOR_DB)
    pitch_T, clarity_T = voice_pitch(mid_N, side_N)
    t = analyse_tones(mid_N, side_N, (160.0 * 2 ** (pitch_T / 12)).astype(np.float32), clarity_T)
    ratio = np.clip(10 * np.log10((t.side_T + 1e-3) / (1 - t.side_T + 1e-3)), -SIDE_RATIO_DB, SIDE_RATIO_DB)
    return np.concatenate([
        levels_to_channels(mid_FB), top_db(mid_N).reshape(T, SHORT_FRAMES), pitch_T[:, None], VOICING_SCALE * np.clip(clarity_T, *VOICING_RANGE)[:, None],
        side_FB.reshape(T, SHORT_FRAMES, SIDE_BANDS).mean(axis=1),
        to_db(t.chroma_TP), to_db(t.register_TR), ratio[:, None],
        np.clip(t.bass_midi_T - 40, -12, 12)[:, None], to_db(t.bass_T)[:, None]], axis=1).astype(np.float32)


def up(x_TC):
    """[T] to [F], linear."""
    F = SHORT_FRAMES * len(x_TC)
    x = np.repeat(x_TC, SHORT_FRAMES, axis=0)
    pad = np.concatenate([x[:2], x, x[-2:]])
    c = np.cumsum(np.concatenate([np.zeros_like(pad[:1]), pad]), axis=0)
    return ((c[4:4 + F] - c[:F]) / 4)


def tone_spectra(chroma, registers, ratio, bass, bass_level):
    chroma_TP, reg_TR = from_db(chroma), from_db(registers)
    share_TR = reg_TR / (reg_TR.sum(axis=1, keepdims=True) + 1e-9)
    reg = register_of(); pc = notes() % 12
    count = np.array([[((reg == r) & (pc == p)).sum() for p in range(12)] for r in range(NUM_REGISTERS)])
    power_TM = TONE_GAIN * chroma_TP[:, pc] * share_TR[:, reg] / np.maximum(count[reg, pc], 1)
    s = 1 / (1 + 10 ** (-ratio / 10))[:, None]
    at = np.clip(np.rint(bass + 40).astype(int) - BASS_MIDI[0], 0, BASS_MIDI[1] - BASS_MIDI[0] - 1)
    bass_FK = sines(up(np.eye(24, dtype=np.float32)[at] * np.sqrt(2 * from_db(bass_level))), BASS_MIDI[0], SIZE, HOP, 0)
    amp = lambda p: up(np.sqrt(2 * p))
    mid = sines(amp(power_TM * (1 - s)), LOW_MIDI, SIZE, HOP, PHASE)
    side = sines(amp(power_TM * s), LOW_MIDI, SIZE, HOP, PHASE + 1)
    return mid, side, bass_FK


def blend(tones_FK, target_FB, num, voiced_F=0):
    """tones limited to the levels, and what is left of the levels."""
    bank = mel_bank(num, LOW_HZ, HIGH_HZ, SIZE)
    e = band_energies(power(tones_FK), bank)
    target = np.maximum(target_FB, 0)
    g = 0.5 * np.log(np.minimum((1 - np.asarray(voiced_F).reshape(-1, 1) * (1 - TONE_LIMIT)) * target / (e + 1e-6), 1) + 1e-6)
    tones_FK = tones_FK * gains(g)
    e = band_energies(power(tones_FK), bank)
    return tones_FK, np.maximum(target - e, RESIDUAL * target)


def render(raw):
    n = len(raw) * HOP_SAMPLES
    lv, top, pitch, voicing, side, chroma, regs, ratio, bass, bl = np.split(raw, CUTS, axis=1)
    mid_FB = channels_to_levels(lv)
    side_FB = up(side)
    tm, ts, bass_FK = tone_spectra(chroma, regs, ratio[:, 0], bass[:, 0], bl)
    cl = voicing[:, 0] / VOICING_SCALE
    voiced_T = np.clip((cl - VOICED_CLARITY[0]) / (VOICED_CLARITY[1] - VOICED_CLARITY[0]), 0, 1)
    voiced_F = up(voiced_T[:, None])
    tm = tm + bass_FK
    tm, left = blend(tm, energies_of(mid_FB, MID_FLOOR_DB), MID_BANDS, voiced_F)
    ts, side_left = blend(ts, energies_of(side_FB, SIDE_FLOOR_DB), SIDE_BANDS)
    roll = 1 / (1 + (bin_hz(SIZE) / HARMONIC_LIMIT_HZ) ** 4)
    harm = np.repeat(voiced_T, SHORT_FRAMES)[:, None] * roll
    pu = at_energies(stft(pulses(pitch[:, 0]), SIZE, HOP), left)
    br = at_energies(noise(len(left), NOISE_SEEDS[0]), left)
    mid_FK = np.sqrt(harm) * pu + np.sqrt(1 - harm) * br + tm
    hiss_FK = noise(len(left), NOISE_SEEDS[0])[:, TOP]
    target_F = np.maximum(10 ** (np.minimum(top.reshape(-1), 45.0) / 10) - 10 ** ((TOP_FLOOR_DB + 1.5) / 10), 0)
    mid_FK[:, TOP] += hiss_FK * np.sqrt(target_F / (power(hiss_FK).mean(axis=1) + 1e-4))[:, None]
    side_FK = at_energies(noise(len(left), NOISE_SEEDS[1]), side_left) + ts
    mid_N, side_N = (istft(s, SIZE, HOP, n) for s in (mid_FK, side_FK))
    return np.clip(np.stack([mid_N + side_N, mid_N - side_N]), -1, 1)
