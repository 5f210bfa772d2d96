"""Phones in time that lyrics state, dealt to the words as they are sung now: a phone is of the word that its middle lies in.

Files name phones by their own dictionary (ARPABET, pinyin, IPA), words have those of the phonemizer. A word's are taken for each
other where they are as many and have their vowels at the same places; else nobody knows that word's phones.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from jam_model.words import Word
from tasks.languages.phones import phones_of

VOWELS = frozenset("aeiouæœøɐɑɒʌəɚɘɛɜɝɞɤɨɪɔɯɵʉʊʏᵻ")
EITHER = "y"
"""A vowel in IPA, a consonant in ARPABET and in Japanese labels."""


def given_phones(
    stated: Sequence[Word], times: Sequence[Word | None] | None, words: Sequence[Word]
) -> list[list[Word]]:
    """The phones of each word, which fill it; an empty list where the file states none that fit its phonemes.

    Args:
        stated: phones in time, as the file has them.
        times: of the words in the file's own time; None for a word without any, or for all.
        words: with phonemes, where they are sung now: shifted, moved to a grid or aligned anew. Phones go along.
    """
    phones: list[list[Word]] = [[] for _ in words]
    known = [(number, own) for number, own in enumerate(times or ()) if own is not None]
    starts = [own.start_s for _, own in known]
    inside: list[list[Word]] = [[] for _ in known]
    for phone in sorted(stated, key=lambda one: one.start_s):
        middle_s = (phone.start_s + phone.end_s) / 2
        place = bisect_right(starts, middle_s) - 1
        if place >= 0 and middle_s < known[place][1].end_s:
            inside[place].append(phone)
    for (number, own), its in zip(known, inside, strict=True):
        if math.isfinite(own.end_s) and (named := _named(its, words[number].phonemes or "")):
            phones[number] = moved_phones(_filling(named, own), own, words[number])
    return phones


def moved_phones(phones: Sequence[Word], word: Word, to: Word) -> list[Word]:
    """The phones of a word that is sung at another time now, stretched as it is."""
    length_s = word.end_s - word.start_s
    if not phones or length_s <= 0 or (word.start_s, word.end_s) == (to.start_s, to.end_s):
        return list(phones)
    stretch = (to.end_s - to.start_s) / length_s
    bounds_s = [to.start_s + (phone.start_s - word.start_s) * stretch for phone in phones[1:]]
    times = pairwise([to.start_s, *(min(max(at_s, to.start_s), to.end_s) for at_s in bounds_s), to.end_s])
    return [Word(phone.text, *its, score=phone.score) for phone, its in zip(phones, times, strict=True)]


def _named(stated: Sequence[Word], phonemes: str) -> list[Word]:
    """The stated phones by the names that the word's phonemes give them; none where they are others."""
    names = phones_of(phonemes)
    for found in (stated, [piece for phone in stated for piece in _pieces(phone)]):
        if len(found) == len(names) and all(map(_alike, (phone.text for phone in found), names)):
            return [Word(name, phone.start_s, phone.end_s) for name, phone in zip(names, found, strict=True)]
    return []


def _pieces(phone: Word) -> list[Word]:
    """A phone of IPA that is several here (``ɔːɹ``), each with an equal share of it."""
    names = phones_of(phone.text) if phone.text.islower() else []
    length_s = (phone.end_s - phone.start_s) / max(1, len(names))
    return [
        Word(name, phone.start_s + place * length_s, phone.start_s + (place + 1) * length_s)
        for place, name in enumerate(names)
    ]


def _alike(stated: str, name: str) -> bool:
    letters = stated.lower().lstrip("ˈˌ'")[:1], name[:1]
    return EITHER in letters or (letters[0] in VOWELS) == (letters[1] in VOWELS)


def _filling(phones: Sequence[Word], word: Word) -> list[Word]:
    """Each until the next one begins, the first from the word's start and the last to its end."""
    starts_s = [min(max(phone.start_s, word.start_s), word.end_s) for phone in phones[1:]]
    times = pairwise([word.start_s, *starts_s, word.end_s])
    return [Word(phone.text, *its) for phone, its in zip(phones, times, strict=True)]
