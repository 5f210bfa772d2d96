"""The duration predictor of a work folder, loaded where `jam durations` has run."""

from __future__ import annotations

from flows.settings.project import Project, WorkFolder
from tasks.prompts.predicted_times import Predictor


def predictor_of(project: Project, work: WorkFolder, phones: bool) -> Predictor | None:
    """The duration predictor that was trained in a work folder, drawn from as the settings say; None where there is none.

    `phones`: it tells when they are sung, too.
    """
    stand = sorted(path.parent for path in work.checkpoint("durations").glob("*/done.json"))
    params = project.params
    if not stand:
        return None
    durations = params.durations
    return Predictor(stand[-1], durations.temperature, params.round.seed, params.models.style_encoder, phones)
