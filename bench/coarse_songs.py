"""Drums and a sketch of the songs of `control_songs.py`, as the stages make them, a sketch of the true band, and what they are scored against.

Songs are performed anew, which gives the same sound. As prepared: of the mix less its separated vocals. Of the true band: of what
it plays alone, so that no voice is in it. PIECE songs a file in the scratch folder, so that a run that is stopped goes on.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.toy2_songs import Songs, Studio, performed
from flows.settings.params import Params
from jam_model.shards import Sample
from tasks.models.coarse_latents import coarse_latents, percussive
from tasks.models.embedded.chroma import chroma_of
from tasks.models.embedded.onsets import flux_onsets
from tasks.toy.world_two.performance import Song

PIECE = 8
COARSE = ("drums", "audio")
TRUE = ("true audio",)
HEARD = ("onsets", "chroma")


def with_coarse(
    songs: Sequence[Sample], params: Params, seed: int, studio: Studio, scratch: Path, until: float
) -> Songs | None:
    """The songs with `COARSE`, `TRUE` and `HEARD` among their extras; None where the time `until` came before the last of them.

    `onsets` are seconds of what is struck in the mix less its vocals; `chroma` is that of the true band [T, 12].
    """
    facts = [params.toy.two.model_dump(mode="json"), studio.codec.identity, seed]
    facts += [params.drums.model_dump(mode="json"), params.sketch.model_dump(mode="json")]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
    found, first = Songs(), 0
    while len(found) < len(songs):
        path = scratch / f"coarse-{key}-{len(found)}.npz"
        if not path.is_file():
            if time.monotonic() > until:
                return None
            np.savez(path, **_piece(params, seed, first, studio))
        with np.load(path) as file:
            for number in range(PIECE):
                if len(found) < len(songs):
                    song = songs[len(found)]
                    extras = {name: file[f"{number}/{name}"] for name in (*COARSE, *TRUE, *HEARD)}
                    found.append(replace(song, extras={**song.extras, **extras}))
            first = int(file["next"])
    return found


def _piece(params: Params, seed: int, first: int, studio: Studio) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for number, (index, song) in enumerate(islice(performed(seed, params, first), PIECE)):
        arrays |= {f"{number}/{name}": value for name, value in _parts(song, params, studio).items()}
        arrays["next"] = index + 1
    return arrays


def _parts(song: Song, params: Params, studio: Studio) -> dict[str, np.ndarray]:
    mix_CN, true_CN = song.mix_CN.astype(np.float32), song.band_CN.astype(np.float32)
    band_CN = mix_CN - studio.separator.separate(mix_CN)
    struck_CN = percussive(band_CN)
    return {
        "drums": coarse_latents(struck_CN, studio.codec, params.drums),
        "audio": coarse_latents(band_CN, studio.codec, params.sketch),
        "true audio": coarse_latents(true_CN, studio.codec, params.sketch),
        "onsets": np.array(flux_onsets(struck_CN)),
        "chroma": chroma_of(true_CN),
    }
