"""Generate (`SamplerParams`, `Generation`): audio of every row of a fan-out table by its recipe: a checkpoint's song, a copy, recoded or noisy; how loud past the end.

A recipe is JSON in the column `recipe`: ``generate`` samples from a checkpoint, ``codec`` passes the parent's
mix through the codec once, ``noise`` adds white noise to it, ``copy`` is the mix itself. Checkpoints are named by the hash of their
weights; where they lie is told to the stage and is part of no value.

Shapes: B = 1 song, T frames (the model's max_frames), C channels, N samples, S 512.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, SerializerFunctionWrapHandler, TypeAdapter, model_serializer

from eval.metrics.levels import energy_after_end
from jam_model.checkpoint import load_model, weights_hash
from jam_model.config import Formula, Guidance, ODESolver, Precision, Solver
from jam_model.frames import SAMPLE_RATE_HZ, frames_of_seconds, seconds_of_frames
from jam_model.solvers.tolerances import Tolerances, TooManyEvaluationsError
from tasks.audio.mix import mix_of
from tasks.audio.read import flac_bytes, npy_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Model, Section, Stage
from tasks.models.codec import CodecParams, build_codec
from tasks.models.style_encoder import StyleParams, build_style_encoder
from tasks.songs.columns import AUDIO, CONTROL_COLUMNS, DURATION_S, TAIL_ENERGY
from tasks.stages.generated.asked import conditions_of
from tasks.storage.object_store import place_of

if TYPE_CHECKING:
    import torch

    from jam_model.dit import Jam


class Dopri5Params(Section):
    """What a step may be wrong by, and how many evaluations a song may take; see `jam_model.solvers.dopri5.Tolerances`."""

    atol: float = Field(gt=0)
    rtol: float = Field(gt=0)
    max_evaluations: int = Field(ge=8)


class SamplerParams(Section):
    """How songs are sung; see `jam_model.config` for `ODESolver` and `Guidance`. `dopri5` is of that solver alone: no recipe of
    another states it.

    `exact` samples all frames of the model, as released; `trimmed` only those of the song and `margin_frames`
    more, which is not quite the same (the frames left out would have been attended to). `sets`: weights of sets of conditions for
    the formula `sets`, as ``lyrics+style: 0.5``.
    """

    num_steps: int
    solver: Solver
    dopri5: Dopri5Params | None = None
    formula: Formula
    style_guidance_scale: float
    lyrics_guidance_scale: float
    interval: tuple[float, float]
    mode: Literal["exact", "trimmed"]
    margin_frames: int = Field(ge=0)
    precision: Precision
    compiled: bool
    sets: dict[str, float] = {}  # recipes of before there were sets have none

    @model_serializer(mode="wrap")
    def _dumped(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `sets` where there are none, and without what is of dopri5 alone: songs made before these keep their names."""
        unsaid = {"sets"} if not self.sets else set()
        unsaid |= {"dopri5"} if self.solver != "dopri5" else set()
        values: dict[str, Any] = dump(self)
        return {name: value for name, value in values.items() if name not in unsaid}

    @property
    def ode_solver(self) -> ODESolver:
        """As the sampler takes it."""
        given = self.dopri5 if self.solver == "dopri5" else None
        tolerances = None if given is None else Tolerances(given.atol, given.rtol, given.max_evaluations)
        return ODESolver(self.num_steps, self.solver, self.precision, self.compiled, tolerances)

    def num_sampled_frames(self, num_frames: int, max_frames: int) -> int:
        """Frames to sample for a song of `num_frames`."""
        return max_frames if self.mode == "exact" else min(max_frames, num_frames + self.margin_frames)

    @property
    def guidance(self) -> Guidance:
        """As the sampler takes it."""
        scales = self.style_guidance_scale, self.lyrics_guidance_scale
        return Guidance(*scales, self.interval, self.formula, tuple(self.sets.items()))


class Generation(Section):
    """Sample from the checkpoint whose weights have this sha256."""

    kind: Literal["generate"]
    weights: str
    sampler: SamplerParams
    padding_bias: bool


class Recode(Section):
    """The parent's mix after one trip through the codec."""

    kind: Literal["codec"]


class Copy(Section):
    """The parent's mix."""

    kind: Literal["copy"]


class Noisy(Section):
    """The parent's mix with white noise, `snr_db` below it, drawn from `seed` and `parent`."""

    kind: Literal["noise"]
    snr_db: float


Recipe = Generation | Recode | Copy | Noisy
RECIPE: TypeAdapter[Recipe] = TypeAdapter(Annotated[Recipe, Field(discriminator="kind")])


class Generate(Stage):
    """Samples, recodes, disturbs or copies. The noise depends on `seed`, `parent` and `candidate`: two checkpoints given the
    same prompt and seed start from the same noise.
    """

    name = "generate"
    version = 3
    reads = frozenset({"recipe", "parent", "parent_audio", "seed", "candidate"})
    reads |= {"reference_words", "reference_phones", "reference_style", "reference_duration_s"}
    reads |= CONTROL_COLUMNS.keys() | {"reference_part_styles", "reference_parts"}
    codec = Model(build_codec)
    style_encoder = Model(build_style_encoder)
    writes = {
        "audio": AUDIO,
        "duration_s": DURATION_S,
        "generated_latent": Column(
            pa.large_binary(), "npy float32 [T, 64], trimmed to the reference length", large=True
        ),
        "tail_energy": TAIL_ENERGY,
    }
    packages = ("av", "numpy", "scipy", "torch", "soundfile", "soxr")

    def __init__(
        self,
        codec: CodecParams,
        style_encoder: StyleParams,
        checkpoints: Mapping[str, str],
    ) -> None:
        """`checkpoints` tells where weights lie, by their sha256: a folder of `save_model`. They stand in recipes."""
        super().__init__(codec, style_encoder)
        self.checkpoints = dict(checkpoints)

    @cached_property
    def negative_style_S(self) -> torch.Tensor:
        """The style that guidance leads away from."""
        import torch

        negative_style = self.style_encoder.negative_style
        del self.style_encoder  # nothing else is asked of it, and it may be large
        return torch.from_numpy(np.asarray(negative_style, np.float32))

    @cached_property
    def loaded(self) -> _LoadedCheckpoint:
        """The checkpoint in use."""
        return _LoadedCheckpoint(self.checkpoints)

    def one(self, song: Song) -> Song:
        """The song with its audio.

        Raises:
            SongError: ``prompt_too_short``, ``prompt_too_long`` (for this model), ``not_finite`` latents,
                ``too_many_evaluations`` of dopri5, or the parent's mix is gone.
            ValueError: the recipe is no recipe, names weights that are not at hand, or those lack a control that is asked.
        """
        recipe = RECIPE.validate_json(song["recipe"])
        if isinstance(recipe, Generation):
            return self._generated(song, recipe)
        mix_CN = mix_of(song.song_id, song["parent_audio"], song.root)
        if isinstance(recipe, Copy):
            duration_s = mix_CN.shape[1] / SAMPLE_RATE_HZ
            return song.with_columns(
                audio=song["parent_audio"], duration_s=duration_s, generated_latent=None, tail_energy=None
            )
        if isinstance(recipe, Noisy):
            return _with_audio(song, with_noise(mix_CN, recipe.snr_db, f"{song['seed']}/{song['parent']}"))
        mean_TC, _ = self.codec.encode(mix_CN)
        return _with_audio(song, self.codec.decode(mean_TC), mean_TC)

    def _generated(self, song: Song, recipe: Generation) -> Song:
        """Samples the frames that the recipe's mode asks for, and keeps those of the song."""
        from jam_model.sampler import sample, song_noise

        model, sampler = self.loaded.model(recipe.weights), recipe.sampler
        num_frames, max_frames = frames_of_seconds(song["reference_duration_s"]), model.config.max_frames
        if not 0 < num_frames <= max_frames:
            reason = "prompt_too_long" if num_frames else "prompt_too_short"
            longest_s = seconds_of_frames(max_frames)
            raise SongError(
                song.song_id, reason, f"{song['reference_duration_s']} s, at most {longest_s:.2f} s"
            )
        num_sampled_frames = sampler.num_sampled_frames(num_frames, max_frames)
        noise_TC = song_noise(song["seed"], song["parent"], song["candidate"], num_sampled_frames)
        try:
            latent_BTC = sample(
                model,
                conditions_of(song, num_frames, model.config, self.loaded.name(recipe.weights)).to(
                    self.loaded.device
                ),
                noise_TC.unsqueeze(0).to(self.loaded.device),
                sampler.ode_solver,
                sampler.guidance,
                self.negative_style_S.to(self.loaded.device),
                recipe.padding_bias,
            )
        except TooManyEvaluationsError as error:
            raise SongError(song.song_id, "too_many_evaluations", str(error)) from error
        latent_TC = latent_BTC[0].float().cpu().numpy()
        if not np.isfinite(latent_TC).all():
            raise SongError(song.song_id, "not_finite", "the sampler gave latents that are not finite")
        whole_CN = self.codec.decode(latent_TC)
        reference_s = seconds_of_frames(num_frames)
        tail = (
            energy_after_end(whole_CN, SAMPLE_RATE_HZ, reference_s)
            if num_frames < num_sampled_frames
            else None
        )
        mix_CN = whole_CN[:, : round(reference_s * SAMPLE_RATE_HZ)]
        return _with_audio(song, mix_CN, latent_TC[:num_frames], tail)


class _LoadedCheckpoint:
    """Holds the last checkpoint that was asked for, on the worker's GPU where it has one."""

    def __init__(self, checkpoints: Mapping[str, str]) -> None:
        import torch

        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._checkpoints = checkpoints
        self._held: tuple[str, Jam] | None = None

    def name(self, weights: str) -> str:
        """Of these weights, for people."""
        return self._checkpoints.get(weights, weights[:12])

    def model(self, weights: str) -> Jam:
        """The model with these weights.

        Raises:
            ValueError: nobody told where they lie, or other weights lie there.
        """
        if self._held is None or self._held[0] != weights:
            path = self._checkpoints.get(weights)
            if path is None:
                raise ValueError(
                    f"checkpoint: no path is known for the weights {weights[:12]}; give it to generate"
                )
            found = weights_hash(place_of(path))
            if found != weights:
                raise ValueError(f"checkpoint: {path} holds the weights {found[:12]}, not {weights[:12]}")
            self._held = weights, load_model(place_of(path)).eval().requires_grad_(False).to(self.device)
        return self._held[1]


def with_noise(mix_CN: np.ndarray, snr_db: float, key: str) -> np.ndarray:
    """The mix with white noise `snr_db` below its power, scaled down where the sum would clip."""
    digest = hashlib.sha256(f"noise/{key}".encode()).digest()
    noise_CN = np.random.default_rng(int.from_bytes(digest, "little")).standard_normal(
        mix_CN.shape, np.float32
    )
    rms = float(np.sqrt(np.mean(np.square(mix_CN, dtype=np.float64))))
    noisy_CN = mix_CN + noise_CN * np.float32(rms * 10 ** (-snr_db / 20))
    return noisy_CN / max(1.0, float(np.abs(noisy_CN).max()))


def _with_audio(
    song: Song, mix_CN: np.ndarray, latent_TC: np.ndarray | None = None, tail: float | None = None
) -> Song:
    return song.with_columns(
        audio={"path": None, "bytes": flac_bytes(mix_CN, SAMPLE_RATE_HZ)},
        duration_s=mix_CN.shape[1] / SAMPLE_RATE_HZ,
        generated_latent=None if latent_TC is None else npy_bytes(latent_TC.astype(np.float32)),
        tail_energy=tail,
    )
