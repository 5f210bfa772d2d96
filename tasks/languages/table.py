"""The languages that can be read here, one entry each: script, how words are split, who reads them, what an error is counted in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from tasks.engine.fingerprint import installed
from tasks.engine.stage import BadModel

Script = Literal["latin", "cyrillic", "hangul", "kana", "han"]
INSTALL = "pip install --no-deps"
"""How the readers are got: pyopenjtalk-plus asks for a dictionary of 198 MB that nothing here opens."""


@dataclass(frozen=True)
class Language:
    """A language of lyrics.

    Attributes:
        code: ISO 639-1.
        scripts: what it is written in; letters of others are another language's.
        split: `spaces` between words; each of its `characters` a word; or the `reader`'s words, where a line has no spaces.
        unit: what its error rates count, words or characters.
        voice: the espeak-ng voice that reads it; None where a package does.
        pairs: a word is read with the one behind it, which decides how it ends (French liaison).
        packages: distributions that read it, each with the version it was tried with.
    """

    code: str
    name: str
    scripts: tuple[Script, ...] = ("latin",)
    split: Literal["spaces", "characters", "reader"] = "spaces"
    unit: Literal["words", "characters"] = "words"
    voice: str | None = None
    pairs: bool = False
    packages: tuple[tuple[str, str], ...] = ()

    @property
    def lacks(self) -> tuple[str, ...]:
        """Its packages that are not installed, as pip takes them."""
        return tuple(f"{name}=={version}" for name, version in self.packages if installed(name) is None)


LANGUAGES = {
    language.code: language
    for language in (
        Language("en", "English", voice="en-us"),
        Language("de", "German", voice="de"),
        Language("fr", "French", voice="fr-fr", pairs=True),
        Language("es", "Spanish", voice="es"),
        Language("it", "Italian", voice="it"),
        Language("pt", "Portuguese", voice="pt-br"),
        Language("ru", "Russian", ("cyrillic",), voice="ru"),
        Language("zh", "Mandarin", ("han",), "characters", "characters", packages=(("pypinyin", "0.55.0"),)),
        Language(
            "ja",
            "Japanese",
            ("kana", "han"),
            "reader",
            "characters",
            packages=(("pyopenjtalk-plus", "0.4.1.post10"), ("sudachipy", "0.7.0")),
        ),
        Language("ko", "Korean", ("hangul",)),
    )
}
DETECTOR = ("py3langid", "0.4.0")
"""What tells languages in Latin letters apart."""
SAME = {
    **{
        "cmn": "zh",
        "cn": "zh",
        "jp": "ja",
        "kr": "ko",
        "eng": "en",
        "deu": "de",
        "ger": "de",
        "fra": "fr",
        "fre": "fr",
    },
    **{
        "spa": "es",
        "ita": "it",
        "por": "pt",
        "rus": "ru",
        "zho": "zh",
        "chi": "zh",
        "jpn": "ja",
        "kor": "ko",
    },
    **{
        "chinese": "zh",
        "deutsch": "de",
        "français": "fr",
        "español": "es",
        "italiano": "it",
        "português": "pt",
    },
    **{"русский": "ru", "中文": "zh", "日本語": "ja", "한국어": "ko"},
}
"""Other codes and names of the same languages that lists of songs and files of lyrics hold."""
NO_LANGUAGE = (
    "und",
    "xx",
    "xxx",
    "zxx",
    "mis",
    "mul",
    "unknown",
    "none",
    "null",
    "instrumental",
    "other",
    "various",
    "mixed",
    "multi",
)
"""What stands where a language could be told and is none, or several."""
FOREIGN: dict[str, str] = {"latin": "en", "cyrillic": "ru", "hangul": "ko", "kana": "ja", "han": "zh"}
"""Whose a word is that is in none of its song's scripts."""


def require_readers(codes: Iterable[str], setting: str, detects: bool) -> None:
    """Raises a BadModel of one line where a package that these languages need is not installed, or one to tell them apart.

    `setting`: the one that asks for them.
    """
    lacking = [code for code in codes if LANGUAGES[code].lacks]
    wanted = [package for code in lacking for package in LANGUAGES[code].lacks]
    if detects and installed(DETECTOR[0]) is None:
        wanted.append("==".join(DETECTOR))
    if wanted:
        what = f"no reader of {', '.join(lacking)}" if lacking else "nothing to tell languages apart"
        raise BadModel(
            f"{setting}: {what} is installed; run `{INSTALL} {' '.join(dict.fromkeys(wanted))}`"
            + (", or leave them out" if lacking else "")
        )


def script_language(script: str | None, song: str, known: Collection[str], han: str) -> str | None:
    """The language that letters of a script are read in, in a song of a language; None where nobody here reads them.

    `han`: the language of Han characters in a song of neither Mandarin nor Japanese.
    """
    if script is None or script in LANGUAGES[song].scripts:
        return song
    code = han if script == "han" else FOREIGN[script]
    return code if code in known else None


def one_code_of(written: str) -> str | None:
    """As `code_of`; None where what is written names no language or more than one."""
    code = code_of(written)
    return code if re.fullmatch(r"[^\W\d_]{2,20}", code) and code not in NO_LANGUAGE else None


def code_of(written: str) -> str:
    """The code of a language as a list of songs may write it: ``en``, ``EN-US``, ``zh_TW``, ``cmn``, ``Japanese``."""
    code = written.strip().lower().replace("_", "-").partition("-")[0]
    by_name = {language.name.lower(): language.code for language in LANGUAGES.values()}
    return by_name.get(code) or SAME.get(code, code)
