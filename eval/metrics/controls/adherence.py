"""Adherence: how far a song follows the chords, the melody and the drums that it was asked for, as another recogniser than the one that made them hears it.

Formulas stand in `eval/metrics/controls`, a file each. Songs that were asked for nothing have no value; a number means something beside that of songs
that were asked for another's controls, and beside the recogniser's own errors on true songs (docs/controls.md).
"""

from __future__ import annotations

from dataclasses import replace

from eval.metrics.metric import SongMetric


def _of(name: str, title: str, source: str, protocol: str) -> SongMetric:
    return SongMetric(
        name=name,
        title=title,
        source=source,
        range="[0, 1]",
        direction="higher",
        unit="",
        protocol=f"{protocol}; mean over the songs that were asked for it.",
        measure=lambda song: song.row.get(name),
        columns=(name,),
        optional=True,
    )


CHORD_MAJMIN = _of(
    "chord_majmin",
    "Chords: majmin",
    "mir_eval.chord, majmin",
    "Share of the time in which the mix less its vocals is heard with the triad that was asked for (major, minor or none)",
)
CHORD_SEVENTHS = _of(
    "chord_sevenths",
    "Chords: sevenths",
    "mir_eval.chord, sevenths",
    "The same with all tones of maj, min, maj7, 7 and min7",
)
CHORD_IOU = _of(
    "chord_iou",
    "Chords: frame IoU",
    "JASCO (arXiv 2406.10970)",
    "Latent frames with the same chord as asked, over frames with a chord on either side, each frame and chord counted once",
)
MELODY_RAW_PITCH = _of(
    "melody_raw_pitch",
    "Melody: raw pitch",
    "mir_eval.melody, raw pitch accuracy",
    "Share of the latent frames with an asked pitch in which the separated vocals have it within half a semitone",
)
MELODY_OVERALL = _of(
    "melody_overall",
    "Melody: overall",
    "mir_eval.melody, overall accuracy",
    "Share of all latent frames that are voiced with the asked pitch, or rightly not voiced",
)
MELODY_CONTOUR = replace(
    _of(
        "melody_contour",
        "Melody: contour",
        "Pearson correlation",
        "Correlation of the asked and the heard pitch of the separated vocals, over latent frames with both: whether the voice rises and falls with the melody, "
        "though it may not hold its pitches",
    ),
    range="[-1, 1]",
)
BEAT_F1 = _of(
    "beat_f1",
    "Drums: beats",
    "mir_eval.beat.f_measure",
    "F1 of the beats heard in the mix, within 70 ms, against those heard in the song whose drums were asked for",
)
TEMPO_1 = _of(
    "tempo_accuracy_1",
    "Drums: tempo",
    "Gouyon et al. 2006, accuracy 1",
    "Share of the songs whose tempo is within 4 % of that of the song whose drums were asked for",
)
TEMPO_2 = _of(
    "tempo_accuracy_2",
    "Drums: tempo, any level",
    "Gouyon et al. 2006, accuracy 2",
    "The same where a beat may count double, triple, half or a third",
)
DRUM_ONSET_F1 = _of(
    "drum_onset_f1",
    "Drums: onsets",
    "mir_eval.onset.f_measure",
    "F1 of what is struck in the mix less its vocals, within 50 ms, against what is struck in the asked drums before they are blurred",
)
METRICS = (
    *(CHORD_MAJMIN, CHORD_SEVENTHS, CHORD_IOU, MELODY_RAW_PITCH, MELODY_OVERALL, MELODY_CONTOUR),
    *(BEAT_F1, TEMPO_1, TEMPO_2, DRUM_ONSET_F1),
)
