"""Whether songs are like the toy songs that embedded models were made on (a distance): heard before `prepare` runs, told, and marked.

What it makes carries the mark. Nobody is stopped, no fingerprint knows of it, and nothing runs again for it.
"""

from __future__ import annotations

import json
from itertools import chain, zip_longest
from statistics import median
from typing import Any

from flows.run.progress import say
from flows.settings.params import Params
from flows.settings.project import Project
from tasks.audio.excerpts import distances
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Pipeline
from tasks.engine.sources import Source
from tasks.models.base import EMBEDDED, constants_of
from tasks.models.packaged_weights import PACKAGED
from tasks.quality.limits import CALIBRATED, set_aside
from tasks.storage.files import write_json

MADE_ON_TOYS = ("separator", "transcriber", "aligner", "style_encoder", "codec")
"""The kinds of `prepare` whose embedded model was made on toy songs; espeak was not."""
LIMITS_OF_TOYS = "; limits of `filter` that were chosen on toy songs, as all that come with this project, are for toy songs alone"
HEARD, TRIED = 3, 6  # songs
WITHIN_S = 20.0  # on a busy machine; it takes 2 s
REAL, FIRST = "params/real.yaml", "params/whisper_tiny.yaml"


def hear_songs(project: Project, pipeline: Pipeline) -> None:
    """Hear three of the songs, unless these were heard before, and say so where they are unlike toy songs."""
    if not _of_toys(project.params):
        return
    songs = _chosen(pipeline)
    asked = fingerprint({"songs": [source.identity for source in songs], "than": constants_of("likeness")})
    if _stored_likeness(project).get("of") != asked:
        audio = [source.facts["audio"] for source in songs]
        found = distances(pipeline.table.songs_root, audio, HEARD, WITHIN_S, project.params.audio)
        if not found:
            say(
                "prepare: none of the songs could be held against the toy songs that embedded models were made on"
            )
            return
        write_json(project.work.likeness, {"of": asked, "distances": found, "median": median(found)})
    if mark := unlike_toy_songs(project):
        limit = constants_of("likeness")["limit"]
        say(f"prepare: {mark} (distance {_stored_likeness(project)['median']:.2f}, the limit is {limit:.2f})")
        say(
            f"prepare: choose real ones: `--params {REAL}`, and `jam doctor --params {REAL}` has the command for each that is "
            f"missing; the first step is `{PACKAGED['whisper-tiny.en'].command}` and `--params {FIRST}`"
        )


def unlike_toy_songs(project: Project) -> str | None:
    """What is to be said of the songs and of all that embedded models make of them; None where they are like toy songs, were
    not heard, or no such model is chosen.
    """
    names = _of_toys(project.params)
    heard = _stored_likeness(project)
    if not names or not heard or heard["median"] <= constants_of("likeness")["limit"]:
        return None
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    mark = (
        f"these songs are unlike toy songs, all that the embedded {listed} {'was' if len(names) == 1 else 'were'} made on: "
        "what they measure and drop means nothing here"
    )
    return mark + LIMITS_OF_TOYS if _by_ear(project.params) else mark


def _by_ear(params: Params) -> bool:
    """Whether limits that were chosen for an aligner and a transcriber drop songs."""
    limits = [getattr(params.filter, name) for measure in CALIBRATED for name in measure.limits]
    asked = params.filter.uncalibrated == "apply" or not set_aside(params.filter, params.models.measuring())
    return asked and any(limit is not None for limit in limits)


def _of_toys(params: Params) -> list[str]:
    kinds = [kind for kind in MADE_ON_TOYS if getattr(params.models, kind).model == EMBEDDED]
    return [kind.replace("_", " ") for kind in kinds]


def _stored_likeness(project: Project) -> dict[str, Any]:
    path = project.work.likeness
    return json.loads(path.read_bytes()) if path.is_file() else {}


def _chosen(pipeline: Pipeline) -> list[Source]:
    """The songs to be heard, and some more for those that cannot be read: from a third of the partitions each, in turn."""
    numbers = sorted(pipeline.partitions)
    places = (
        dict.fromkeys((2 * third + 1) * len(numbers) // (2 * HEARD) for third in range(HEARD))
        if numbers
        else ()
    )
    members = [pipeline.partitions[numbers[place]].sources for place in places]
    in_turn = chain.from_iterable(zip_longest(*members))
    return [source for source in in_turn if source and (source.facts.get("audio") or {}).get("path")][:TRIED]
