"""What a row of a fan-out table asks of a model (`conditions_of`): a batch of one song: style, lyrics, controls, frames.

Shapes: B = 1 song, T frames (the model's max_frames).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JamConfig
from jam_model.controls.known import KNOWN, batched, checked
from jam_model.frames import frame_middles_s
from jam_model.lyric_grid import SUNG, lyric_grid
from jam_model.part_styles.parts import batch_of_parts, part_styles_of
from jam_model.words import phones_by_word, words_of
from tasks.audio.read import array_of
from tasks.engine.song import Song


def conditions_of(song: Song, num_frames: int, config: JamConfig, checkpoint: str) -> Conditions:
    """Lyrics on their grid, the first style row or those of parts, the length, and the controls that are asked for. A model that lays
    phones where they are sung has words evenly whose phones nobody knows. `checkpoint`: what the model is called in an error.

    Raises:
        ValueError: the model lacks a control, or an array is none of its control's.
    """
    import torch

    words = words_of(song["reference_words"])
    phones = (
        phones_by_word(song.columns.get("reference_phones"), len(words)) if config.filler == SUNG else None
    )
    tokens_L = lyric_grid(words, config.max_frames, 0, num_frames, config.vocabulary, config.filler, phones)
    start_time, duration_abs, duration_rel = duration_conditions(num_frames, config.max_frames)
    style_NS = np.asarray(song["reference_style"], np.float32)
    parts = part_styles_of(song.columns, "reference_", style_NS.shape[1])
    part_styles_BKS, part_weights_BKT = batch_of_parts(
        [(parts, style_NS[0], frame_middles_s(config.max_frames))]
    )
    conditions = Conditions(
        torch.from_numpy(tokens_L).unsqueeze(0),
        torch.from_numpy(style_NS[:1]),
        torch.tensor([start_time]),
        torch.tensor([duration_abs]),
        torch.tensor([duration_rel]),
        part_styles_BKS=part_styles_BKS,
        part_weights_BKT=part_weights_BKT,
    )
    return _with_controls(conditions, song, num_frames, config, checkpoint)


def _with_controls(
    conditions: Conditions, song: Song, num_frames: int, config: JamConfig, checkpoint: str
) -> Conditions:
    columns = {name: song.columns.get(f"control_{name}") for name in KNOWN}
    asked = {
        name: checked(name, array_of(data), None, f"{song.song_id}: control {name}")[:num_frames]
        for name, data in columns.items()
        if data is not None
    }
    if lacking := [name for name in asked if name not in config.controls]:
        known = ", ".join(config.controls) or "none"
        raise ValueError(
            f"controls: {', '.join(lacking)} asked of {checkpoint}, which knows {known}; leave it out, or tune with jam.controls"
        )
    if not asked:
        return conditions
    values, given = batched([(asked, 0)], [*asked], config.max_frames)
    return replace(conditions, controls=values, controls_given=given)
