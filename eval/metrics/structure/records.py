"""Parts and key of a song: the records (protocol, direction) of their scores, whose formulas stand in `eval.metrics.structure`."""

from __future__ import annotations

from eval.metrics.metric import Metric


def _boundaries(name: str, window_s: float) -> Metric:
    return Metric(
        name=name,
        title=f"Boundary F at {window_s:g} s",
        source="Turnbull et al. 2007; mir_eval.segment.detection, trimmed",
        range="[0, 1]",
        direction="higher",
        unit="",
        protocol=f"F of the bounds of parts that lie within {window_s:g} s of true ones, matched one to one; start and end of the "
        "song are left out on both sides. No value where a song has one part.",
    )


BOUNDARY_FINE = _boundaries("boundary_f_fine", 0.5)
BOUNDARY_COARSE = _boundaries("boundary_f_coarse", 3.0)
PAIRWISE_F = Metric(
    name="section_pairwise_f",
    title="Pairwise F of parts",
    source="Levy and Sandler 2008; mir_eval.segment.pairwise",
    range="[0, 1]",
    direction="higher",
    unit="",
    protocol="F of the pairs of 0.1 s frames that have one label on both sides, whatever its name.",
)
LABEL_ACCURACY = Metric(
    name="section_accuracy",
    title="Label accuracy of parts",
    source="ours",
    range="[0, 1]",
    direction="higher",
    unit="",
    protocol="Share of the seconds of true parts that have the true label (of intro, verse, pre_chorus, chorus, bridge, inst, outro, other).",
)
KEY_SCORE = Metric(
    name="key_score",
    title="Key, MIREX weights",
    source="MIREX Audio Key Detection; mir_eval.key.weighted_score",
    range="[0, 1]",
    direction="higher",
    unit="",
    protocol="1 for the true key, 0.5 for the same mode a fifth above, 0.3 for the relative, 0.2 for the parallel key, 0 for others and where none was told.",
)
