"""Prompts that are changed on purpose, for rows that show whether a model heeds what it is asked: another style (the furthest), words dealt anew by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.engine.fingerprint import fingerprint
from tasks.prompts.prompts import Prompt
from tasks.times.phones import moved_phones


def in_another_style(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Each prompt with the style of the one whose style is least like its own."""
    mean_PS = np.stack([_unit(prompt.style_NS.mean(axis=0)) for prompt in prompts])
    furthest = (mean_PS @ mean_PS.T).argmin(axis=1)
    return [
        replace(prompt, style_NS=prompts[j].style_NS) for prompt, j in zip(prompts, furthest, strict=True)
    ]


def with_words_dealt(prompts: Sequence[Prompt], seed: int) -> list[Prompt]:
    """Each prompt with its words dealt to its time slots in random order (never the order they had)."""
    return [_dealt(prompt, seed) for prompt in prompts]


def _dealt(prompt: Prompt, seed: int) -> Prompt:
    random = np.random.default_rng([seed, int(fingerprint(prompt.song_id), 16)])
    order = np.arange(len(prompt.words))
    while len(order) > 1 and len(set(prompt.texts)) > 1 and [prompt.texts[j] for j in order] == prompt.texts:
        order = random.permutation(len(order))
    dealt = zip(prompt.words, (prompt.words[j] for j in order), strict=True)
    return replace(
        prompt,
        words=tuple(replace(slot, text=word.text, phonemes=word.phonemes) for slot, word in dealt),
        phones=prompt.phones
        and [
            moved_phones(prompt.phones[j], prompt.words[j], slot)
            for j, slot in zip(order.tolist(), prompt.words, strict=True)
        ],
    )


def _unit(vector_S: np.ndarray) -> np.ndarray:
    return vector_S / max(float(np.linalg.norm(vector_S)), 1e-12)
