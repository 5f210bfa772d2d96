"""Scale-invariant signal-to-distortion ratio of a separated stem."""

from __future__ import annotations

import numpy as np

from eval.metrics.metric import Metric

SI_SDR = Metric(
    name="si_sdr",
    title="SI-SDR",
    source="Le Roux et al. 2019, arXiv 1811.02508, equation 3",
    range="(-inf, inf)",
    direction="higher",
    unit="dB",
    protocol="Separated vocals against the true vocals, both mono without their mean.",
    decimals=1,
)
SI_SDR_GAIN = Metric(
    name="si_sdr_gain",
    title="SI-SDR gain",
    source="Le Roux et al. 2019, arXiv 1811.02508",
    range="(-inf, inf)",
    direction="higher",
    unit="dB",
    protocol="SI-SDR of the separated vocals minus that of the mix, both against the true vocals.",
    decimals=1,
)
_FLOOR = np.finfo(np.float64).eps


def si_sdr(estimate_N: np.ndarray, reference_N: np.ndarray) -> float | None:
    """SI-SDR in dB; None where the reference or the estimate is silent, which leaves it undefined.

    A perfect copy is limited by float64 to some 150 dB instead of infinity.

    Raises:
        ValueError: the two are not mono signals of one length.
    """
    if estimate_N.ndim != 1 or estimate_N.shape != reference_N.shape:
        raise ValueError(
            f"estimate is {estimate_N.shape} and reference {reference_N.shape}: both must be mono, of "
            "one length"
        )
    estimate = estimate_N.astype(np.float64) - estimate_N.mean(dtype=np.float64)
    reference = reference_N.astype(np.float64) - reference_N.mean(dtype=np.float64)
    energy = reference @ reference
    if energy == 0 or not estimate.any():
        return None
    target = (estimate @ reference / energy) * reference
    distortion = estimate - target
    signal, noise = target @ target, distortion @ distortion
    whole = signal + noise
    return float(10 * np.log10(max(signal, _FLOOR * whole) / max(noise, _FLOOR * whole)))


def si_sdr_gain(estimate_N: np.ndarray, mix_N: np.ndarray, reference_N: np.ndarray) -> float | None:
    """How many dB the separation adds over leaving the mix as it is."""
    separated, mixed = si_sdr(estimate_N, reference_N), si_sdr(mix_N, reference_N)
    return None if separated is None or mixed is None else separated - mixed
