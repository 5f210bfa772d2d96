"""espeak-ng as a reader of languages that it reads well, alone or in pairs of words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tasks.languages.reading import Pronunciation, cleaned
from tasks.languages.scripts import num_letters

if TYPE_CHECKING:
    from phonemizer.backend import EspeakBackend

SWITCH = re.compile(r"\(([a-z-]+)\)")


class EspeakReader:
    """A voice of espeak-ng that is given only letters of its own scripts, so that it names none. Where it leaves its language
    for English, a loan word, another reader is asked; an answer in any other language is refused.
    """

    def __init__(self, voice: str, pairs: bool) -> None:
        self.voice = voice
        self.pairs = pairs
        self._known: dict[str, Pronunciation | None] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without the library handle, which cannot travel to another process."""
        return {key: value for key, value in self.__dict__.items() if key != "_backend"}

    def read(self, texts: Sequence[str]) -> list[Pronunciation | None]:
        """See `Reader.read`. In pairs a word is read before the next one, whatever line that is on."""
        if not self.pairs:
            return self._alone(texts)
        alone = self._alone(texts)
        if len(texts) < 2:
            return alone
        asked = [f"{text} {after}" for text, after in pairwise(texts)]
        said = dict(zip(dict.fromkeys(asked), self._ipa(list(dict.fromkeys(asked))), strict=True))
        both = [said[pair].split() for pair in asked]
        return [
            Pronunciation(cleaned(words[0]), 0) if one and len(words) == 2 and not _switches(words) else one
            for one, words in zip(alone, [*both, []], strict=True)
        ]

    def _alone(self, texts: Sequence[str]) -> list[Pronunciation | None]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for text, ipa in zip(new, self._ipa(new), strict=True):
            languages = {found for found in SWITCH.findall(ipa)} - {self.voice.partition("-")[0], self.voice}
            if languages:
                english = all(language.startswith("en") for language in languages)
                self._known[text] = None if english else Pronunciation("", num_letters(text))
            else:
                self._known[text] = Pronunciation(cleaned(SWITCH.sub("", ipa)), 0)
        return [self._known[text] for text in texts]

    def _ipa(self, texts: list[str]) -> list[str]:
        return self._backend.phonemize(texts, strip=True) if texts else []

    @cached_property
    def _backend(self) -> EspeakBackend:
        return backend_of(self.voice, "keep-flags")


def backend_of(voice: str, language_switch: str) -> EspeakBackend:
    """espeak-ng from its wheel, no system package, in one of its voices.

    Raises:
        ValueError: it has no such voice.
    """
    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    if not EspeakBackend.is_supported_language(voice):
        raise ValueError(
            f"models.phonemizer.language: {voice!r} is no language of espeak-ng; "
            "try en-us, or see phonemizer's `EspeakBackend.supported_languages()`"
        )
    return EspeakBackend(voice, with_stress=True, language_switch=language_switch)


def _switches(words: Sequence[str]) -> bool:
    return any(SWITCH.search(word) for word in words)
