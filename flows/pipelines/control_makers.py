"""Who makes arrays of the controls that are asked for, and who hears songs again for their pages, as a project's settings choose them."""

from __future__ import annotations

from flows.settings.project import Project
from tasks.prompts.control_prompts import ControlMakers
from tasks.prompts.song_pages import HearersParams


def makers_of(project: Project) -> ControlMakers:
    """Those of this project."""
    params = project.params
    return ControlMakers(
        params.audio,
        params.models.melody,
        params.models.separator,
        params.models.codec,
        params.drums,
        params.sketch,
        params.ingest.max_lyrics_bytes,
        params.ingest.max_lyrics_words,
    )


def hearing_of(project: Project) -> HearersParams:
    """Those who hear generated songs for their pages."""
    models = project.params.models
    return HearersParams(models.separator, models.chords, models.melody, models.beats, project.params.audio)
