"""What a text says outright of tempo, key, metre and voice is held against what was measured, and against nothing else."""

from __future__ import annotations

from tasks.models.description.contradictions import CHECKS, contradicted
from tests.every import every

FACTS = [
    {"name": "tempo_bpm", "text": None, "number": 100.3, "source": "heard", "certainty": 0.6},
    {"name": "metre", "text": "3/4", "number": 3.0, "source": "heard", "certainty": 0.9},
    {"name": "key", "text": "C minor", "number": None, "source": "heard", "certainty": 0.9},
    {"name": "register", "text": "low", "number": 50.0, "source": "melody", "certainty": 0.6},
    {"name": "instrument", "text": "piano", "number": None, "source": "style text", "certainty": 1.0},
]
TEXTS: dict[str, list[str]] = {
    "bright pop, 100 bpm, male voice": [],
    "bright pop, 120 bpm, male voice": ["tempo_bpm"],
    "counted double: 200 BPM, or half: 50 bpm": [],
    "75 beats per minute": ["tempo_bpm"],
    "in 1995, 120 people came": [],
    "a waltz in 3/4, C minor": [],
    "in 4/4": ["metre"],
    "3/4, then 4/4": [],
    "on 3/4/2021": [],
    "its relative, Eb major": [],
    "F# major": ["key"],
    "B-flat major": ["key"],
    "E flat major": [],
    "female voice": ["register"],
    "a woman and a man": [],
    "she is alone": [],
    "a soprano at 131 bpm in 2/4, A major": ["tempo_bpm", "key", "metre", "register"],
    "": [],
}


@every("text", TEXTS)
def test_a_text_contradicts_what_it_states_otherwise(text: str) -> None:
    assert contradicted(text, FACTS) == TEXTS[text]
    assert contradicted(text, []) == []
    unsure = [{**fact, "number": None, "text": None} for fact in FACTS]
    assert contradicted(text, unsure) == []
    high = [{**FACTS[3], "number": 64.0}]
    assert contradicted("male voice", high) == ["register"] and contradicted("female voice", high) == []
    assert {fact["name"] for fact in FACTS} >= CHECKS.keys()
