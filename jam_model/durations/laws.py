"""The laws that gaps, lengths and shares are told by (mixtures of log-normals, some anchored on the coming beats, hurdle, Dirichlet), with their exact densities in nats and their draws.

A gap is none with a probability of its own (a hurdle), else a mixture of log-normals; where the tempo is known, some of the
components lie on the coming halves, quarters and eighths of a beat. A length is a mixture of log-normals, shares are Dirichlet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

NUM_HALVES, NUM_FINE = 17, 3
NUM_ANCHORS = NUM_HALVES + 2 * NUM_FINE
NUM_SHIFTS = 4
PLACES = ((2, 0), (6, 0), (6, 5), (6, 4), (8, 0), (8, 7), (8, 6))
"""Of a half beat's number, the remainders that make it a beat, a bar of three or four, or a pick-up to one."""
NUM_ANCHORED = NUM_ANCHORS + len(PLACES) + NUM_SHIFTS + 2
"""Outputs of a net that `anchored` takes."""
LEAST_WAIT_S, MAX_SHIFT_S = 0.02, 0.15
MIN_SD, MAX_SD = 0.01, 1.5


@dataclass(frozen=True)
class LogNormals:
    """A mixture: log weights, means of the logarithm and deviations, each [..., K]."""

    log_weights: Tensor
    means: Tensor
    sds: Tensor

    def log_density(self, value: Tensor) -> Tensor:
        """Log density a second at positive values [...]."""
        log_value = value.clamp(min=1e-6).log()[..., None]
        of_each = -0.5 * ((log_value - self.means) / self.sds) ** 2 - self.sds.log() - log_value
        return torch.logsumexp(self.log_weights + of_each, dim=-1) - 0.5 * math.log(2 * math.pi)

    def draw(self, temperature: float, generator: torch.Generator) -> Tensor:
        """A value each [...]; below temperature 1 nearer to the medians of the likelier components."""
        weights = torch.softmax(self.log_weights / max(temperature, 1e-3), dim=-1)
        flat = weights.reshape(-1, weights.shape[-1])
        which = torch.multinomial(flat, 1, generator=generator).reshape(*weights.shape[:-1], 1)
        noise = torch.randn(weights.shape[:-1], generator=generator)
        mean, sd = (values.gather(-1, which)[..., 0] for values in (self.means, self.sds))
        return (mean + temperature * sd * noise).exp()


@dataclass(frozen=True)
class Hurdle:
    """No gap with the odds of `logit` [...], else `some`; a gap below `slot_s` is none."""

    logit: Tensor
    some: LogNormals
    slot_s: float

    def log_density(self, gap_s: Tensor) -> Tensor:
        """Log of the probability of no gap, or log density a second of one [...]."""
        is_none = gap_s < self.slot_s
        log_some = torch.nn.functional.logsigmoid(-self.logit) + self.some.log_density(
            gap_s.clamp(min=self.slot_s)
        )
        return torch.where(is_none, torch.nn.functional.logsigmoid(self.logit), log_some)

    def draw(self, temperature: float, generator: torch.Generator) -> Tensor:
        """A gap each [...]."""
        drawn = torch.rand(self.logit.shape, generator=generator)
        is_none = drawn < torch.sigmoid(self.logit / max(temperature, 1e-3))
        return torch.where(is_none, 0.0, self.some.draw(temperature, generator))


def mixture(raw: Tensor, slot_s: float) -> LogNormals:
    """The mixture of a net's outputs [..., 3 K]; no component is narrower than half a slot at its median."""
    logits, means, log_sds = raw.chunk(3, dim=-1)
    narrowest = torch.log1p(0.5 * slot_s * (-means.clamp(-7, 5)).exp())
    sds = torch.maximum(log_sds.clamp(-5, 1).exp(), narrowest.clamp(max=MAX_SD))
    return LogNormals(torch.log_softmax(logits, dim=-1), means.clamp(-7, 5), sds)


def anchored(free: LogNormals, raw: Tensor, free_s: Tensor, beat_s: Tensor) -> LogNormals:
    """The mixture with components on the coming beats, where there are any.

    Args:
        free: of log weights that are not normalised against the anchors yet: all of them together weigh 1.
        raw: a net's outputs [..., NUM_ANCHORED]: logits, weights of `PLACES`, shifts of whole, half, quarter and eighth beats, the
            log deviation in seconds, the logit of anchors against `free`.
        free_s: when the word before ends [...]; beat_s: length of a beat, 0 where nobody knows it.
    """
    logits, of_places, shifts, log_sd, share = raw.split((NUM_ANCHORS, len(PLACES), NUM_SHIFTS, 1, 1), dim=-1)
    beats = beat_s[..., None].clamp(min=0.05)
    place = free_s[..., None] / beats
    halves = torch.floor(2 * place) + torch.arange(NUM_HALVES)  # the one just passed is the first
    fine = [(torch.floor(unit * place) + torch.arange(NUM_FINE)) / unit for unit in (4, 8)]
    waits_s = (torch.cat([halves / 2, *fine], dim=-1) - place) * beats
    whole_s, half_s, quarter_s, eighth_s = (MAX_SHIFT_S * torch.tanh(shifts)).split(1, dim=-1)
    of_halves_s = torch.where(halves % 2 == 0, whole_s, half_s)
    of_fine_s = [shift_s.expand_as(of) for shift_s, of in zip((quarter_s, eighth_s), fine, strict=True)]
    shift_s = torch.cat([of_halves_s, *of_fine_s], dim=-1)
    middles_s = (waits_s + shift_s).clamp(min=LEAST_WAIT_S)
    is_at = torch.stack([(halves % unit == rest).float() for unit, rest in PLACES], dim=-1)
    of_halves = (is_at * of_places[..., None, :]).sum(-1)
    logits = logits + torch.nn.functional.pad(of_halves, (0, 2 * NUM_FINE))
    sds = (log_sd.clamp(-5, 0).exp() / middles_s).clamp(MIN_SD, MAX_SD)
    share = torch.where(beat_s[..., None] > 0, share, torch.full_like(share, -1e4))
    log_weights = torch.cat(
        [
            torch.nn.functional.logsigmoid(-share) + free.log_weights,
            torch.nn.functional.logsigmoid(share) + torch.log_softmax(logits, dim=-1),
        ],
        dim=-1,
    )
    return LogNormals(
        log_weights, torch.cat([free.means, middles_s.log()], -1), torch.cat([free.sds, sds], -1)
    )


def dirichlet_log_density(alphas: Tensor, shares: Tensor, is_phone: Tensor) -> Tensor:
    """Log density of shares [..., H]; 0 for words of fewer than two phones."""
    some = torch.where(is_phone, alphas, 0.0)
    safe = torch.where(is_phone, alphas, 1.0)
    of_each = (safe - 1) * shares.clamp(min=1e-4).log() - torch.lgamma(safe)
    whole = torch.lgamma(some.sum(-1).clamp(min=1e-3)) + torch.where(is_phone, of_each, 0.0).sum(-1)
    return torch.where(is_phone.sum(-1) > 1, whole, 0.0)
