"""Words set by hand in place of a file's: notes, lines and parts stay with their words, other lyrics set them aside."""

from __future__ import annotations

from jam_model.words import Word
from tasks.edits.times import words_hash
from tasks.lyrics.by_hand import ASIDE, worded_by_hand
from tasks.lyrics.lyrics import Label, Lyrics, Note

OLD = ["moon", "light", "over", "me", "oh"]


def test_words_set_by_hand_take_the_place_of_the_files_and_leave_its_notes_lines_and_parts_with_what_stayed() -> (
    None
):
    lyrics = Lyrics(
        OLD,
        times=[Word(text, float(place), place + 0.5) for place, text in enumerate(OLD)],
        line_starts=[0, 2, 4],
        notes=[Note(place, float(place), place + 0.5, 60 + place) for place in range(5)],
        labels=[Label(2, "Chorus"), Label(4, "End")],
        form="LRC",
    )
    said = {"made_on": words_hash(OLD), "words": ["moonlight", "over", "and", "me"]}
    made = worded_by_hand(said, lyrics)
    assert made is not None and (made.words, made.times, made.form) == (said["words"], None, "LRC")
    assert [(note.word, note.pitch) for note in made.notes] == [(1, 62), (3, 63)]
    assert (made.line_starts, list(made.labels)) == ([0, 1], [Label(1, "Chorus")])
    assert worded_by_hand(None, lyrics) is lyrics and worded_by_hand({"again": 1}, None) is None
    given = worded_by_hand({"made_on": words_hash([]), "words": ["la"]}, None)
    assert given is not None and (given.words, given.num_lines, given.form) == (["la"], None, "by hand")
    aside = worded_by_hand(said, Lyrics(["other"]))
    assert aside is not None and (aside.words, aside.remarks[0].kind) == (["other"], ASIDE)
