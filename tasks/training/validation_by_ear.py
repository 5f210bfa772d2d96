"""Validation by ear: generates validation songs while a model trains, transcribes them, and counts the phones that a recogniser does not hear.

The flow loss barely tells whether words can be understood. What listens here chooses the best step, and so it must
not be what measures the finished model; see `check_apart`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.metrics.error_rates import corpus_counts, count_errors
from eval.metrics.style_similarity import style_similarity
from jam_model.frames import seconds_of_frames
from jam_model.shards import Sample
from tasks.models.codec import Codec, CodecParams, build_codec
from tasks.models.phonemizer import (
    Phonemizer,
    PhonemizerParams,
    build_phonemizer,
    phones_of,
)
from tasks.models.separator import Separator, SeparatorParams, build_separator
from tasks.models.style_encoder import (
    StyleEncoder,
    StyleParams,
    build_style_encoder,
)
from tasks.models.transcriber import (
    GuardTranscriberParams,
    Transcriber,
    build_transcriber,
)
from tasks.stages.generated.generate import SamplerParams
from tasks.training.params import HEARD

SCORES = ("per", "style_similarity")
"""What a song is scored by, in this order."""

if TYPE_CHECKING:
    import torch

    from jam_model.dit import Jam


@dataclass(frozen=True)
class ValidationByEar:
    """How songs are sung and read. Travels to the workers; what it needs is built at the first song."""

    sampler: SamplerParams
    style: StyleParams
    codec_params: CodecParams
    separator_params: SeparatorParams
    transcriber_params: GuardTranscriberParams
    phonemizer_params: PhonemizerParams

    def facts(self) -> dict[str, Any]:
        """What decides the figures, as a recipe covers it."""
        sections = (self.sampler, self.style, self.codec_params, self.separator_params)
        return {
            "sections": [
                section.decides() for section in (*sections, self.transcriber_params, self.phonemizer_params)
            ],
            "models": [
                self.style.identity(),
                self.codec_params.identity(),
                self.separator_params.identity(),
                self.transcriber_params.identity(),
                self.phonemizer_params.identity(),
            ],
        }

    def scores(self, song: Sample, mix_CN: np.ndarray, num_frames: int) -> dict[str, float | None]:
        """Of a song as generated over its first frames: its phone error rate, None where no word was asked for, and how near its
        style is to the one that was asked for.
        """
        asked = _asked(song, num_frames)
        rate = (
            None if asked is None else corpus_counts([count_errors(asked, self._heard_phones(mix_CN))]).rate
        )
        style = style_similarity(self._encoder.embed_audio(mix_CN), song.style_NS[:1])
        return dict(zip(SCORES, (rate, style), strict=True))

    def figures(self, model: Jam, songs: Sequence[Sample], seed: int, device: torch.device) -> dict[str, Any]:
        """The phone error rate over all these songs, sung as far as the model's frames reach, each from its own noise.

        Words that end after the last frame are not asked for; a song without any is left out. No figure where none
        is left.
        """
        counts = []
        for song in songs:
            num_frames = min(song.num_frames, model.config.max_frames)
            asked = _asked(song, num_frames)
            if asked is not None:
                counts.append(
                    count_errors(asked, self._heard_phones(self.sung(model, song, num_frames, seed, device)))
                )
        figures: dict[str, Any] = {"num_heard_songs": len(counts)}
        return figures | ({HEARD: corpus_counts(counts).rate} if counts else {})

    def sung(self, model: Jam, song: Sample, num_frames: int, seed: int, device: torch.device) -> np.ndarray:
        """The mix [C, N] of the song's first frames."""
        from jam_model.batches import Crop, conditions_of
        from jam_model.sampler import sample, song_noise

        max_frames = model.config.max_frames
        picked = [(song, Crop(0, num_frames, song.num_frames), 0)]
        config = model.config
        conditions = conditions_of(picked, max_frames, config.vocabulary, config.filler, config.controls)
        num_sampled_frames = self.sampler.num_sampled_frames(num_frames, max_frames)
        latent_BTC = sample(
            model,
            conditions.to(device),
            song_noise(seed, song.song_id, 0, num_sampled_frames).unsqueeze(0).to(device),
            self.sampler.ode_solver,
            self.sampler.guidance,
            self._negative_style_S.to(device),
        )
        return self._codec.decode(latent_BTC[0, :num_frames].float().cpu().numpy())

    def _heard_phones(self, mix_CN: np.ndarray) -> list[str]:
        """The phones of the words that are heard; of a recogniser that writes no words the phones that it hears."""
        separator, transcriber, phonemizer = self._ears
        transcript = transcriber.transcribe(separator.separate(mix_CN))
        if transcript.words is None:
            return transcript.phones or []
        return phonemizer.phones([word.text for word in transcript.words])

    @cached_property
    def _codec(self) -> Codec:
        return build_codec(self.codec_params)

    @cached_property
    def _ears(self) -> tuple[Separator, Transcriber, Phonemizer]:
        return (
            build_separator(self.separator_params),
            build_transcriber(self.transcriber_params),
            build_phonemizer(self.phonemizer_params),
        )

    @cached_property
    def _negative_style_S(self) -> torch.Tensor:
        import torch

        return torch.from_numpy(np.asarray(self._encoder.negative_style, np.float32))

    @cached_property
    def _encoder(self) -> StyleEncoder:
        return build_style_encoder(self.style)


def _asked(song: Sample, num_frames: int) -> list[str] | None:
    """The phones of the words that end within the song's first frames; None where no word does."""
    words = [w.phonemes or "" for w in song.words if w.end_s <= seconds_of_frames(num_frames)]
    return phones_of("".join(words)) if words else None
