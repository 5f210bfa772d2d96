"""A song's language, its words and their phones: found, split and read, each by the reader of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest

from eval.metrics.error_rates import count_errors, normalise
from flows.settings.params import load_params
from jam_model.words import Word
from tasks.engine.stage import BadModel
from tasks.languages import table
from tasks.languages.detect import detect
from tasks.languages.kana import phones_of_kana
from tasks.languages.mandarin import phones_of_pinyin
from tasks.languages.phones import phones_of
from tasks.languages.scripts import runs_of
from tasks.languages.split import split_words
from tasks.languages.table import LANGUAGES, code_of
from tasks.lyrics.language import with_split_words
from tasks.lyrics.lyrics import Label, Lyrics, Note
from tasks.models.many_languages import SongLanguagesParams
from tasks.models.phonemizer import build_phonemizer
from tasks.toy.languages.all import LANGUAGES as TOY
from tests.every import every

PHONEMIZER = load_params().models.phonemizer
CODES = (*LANGUAGES,)
CODE_OF_TOY = {code: {"cmn": "zh"}.get(code, code) for code in TOY}
NUM_LINES = 200


def of_all(symbols: str = "ipa") -> object:
    return PHONEMIZER.model_copy(update={"language": "auto", "symbols": symbols})


def toy_lines(code: str) -> list[list[str]]:
    rng = np.random.default_rng(17)
    return [[word.text for word in TOY[code].line(rng)] for _ in range(NUM_LINES)]


@every(
    "found, expected",
    [
        ([phones_of_pinyin(s) for s in ("zhuang", "lü", "xue", "shi", "yi", "er")], ["tʂwaŋ", "ly", "ɕɥɛ", "ʂɨ", "i", "ɚ"]),
        (phones_of_pinyin("xyz"), None),
        (phones_of_kana("トーキョー"), ("toːkjoː", 0)),
        (phones_of_kana("ファンッテ"), ("ɸaɴʔte", 0)),
        (phones_of_kana("ーネ", "iko"), ("one", 0)),
        (phones_of_kana("X"), ("", 1)),
        (phones_of("tsʰɨnɔ̃k͈otɕʰi"), ["t", "sʰ", "ɨ", "n", "ɔ̃", "k͈", "o", "tɕʰ", "i"]),
        (runs_of("love사랑!愛"), [("latin", "love"), ("hangul", "사랑!"), ("han", "愛")]),
        (split_words(["我爱baby你", "100%", "hello"], "zh", CODES), [["我", "爱", "baby", "你"], ["100%"], ["hello"]]),
        (split_words(["love야", "사랑해"], "ko", CODES), [["love야"], ["사랑해"]]),
        ([code_of(text) for text in ("EN-us", "zh_TW", "cmn", "Japanese", "sv")], ["en", "zh", "zh", "ja", "sv"]),
        ([detect(text, CODES, 20) for text in ("我爱你", "愛してる", "사랑해 baby", "люблю", "oh la")], ["zh", "ja", "ko", "ru", None]),
        (normalise(["我爱你baby", "さくら", "don't"]), ["我", "爱", "你", "baby", "さ", "く", "ら", "don't"]),
        (count_errors(normalise(["我爱你"]), normalise(["我", "恨", "你"])).errors, 1),
    ],
)  # fmt: skip
def test_scripts_kana_and_pinyin_say_what_a_word_is(found: object, expected: object) -> None:
    assert found == expected


def check_split_lyrics() -> None:
    lyrics = Lyrics(
        ["我爱你", "oh", "月亮"],
        [Word("我爱你", 1.0, 4.0), None, Word("月亮", 6.0, float("inf"))],
        [Word("我爱你 oh", 1.0, 5.0), Word("月亮", 6.0, 9.0)],
        [0, 2],
        [2],
        [Note(0, 1.0, 2.0, 60), Note(0, 2.0, 4.0, 62), Note(2, 6.0, None, 64)],
        [Label(2, "Chorus")],
    )
    split = with_split_words(lyrics, lambda line: split_words(line, "zh", CODES))
    assert split.words == ["我", "爱", "你", "oh", "月", "亮"]
    assert split.times and [word and (word.text, word.start_s) for word in split.times] == [
        *(("我", 1.0), ("爱", 2.0), ("你", 3.0), None, ("月", 6.0), None)
    ]
    assert [line.text for line in split.lines or ()] == ["我 爱 你 oh", "月 亮"]
    assert (split.line_starts, [*split.breaks], split.labels[0].before) == ([0, 4], [4], 4)
    assert [note.word for note in split.notes] == [0, 1, 4]
    plain = Lyrics(["love", "you"], line_starts=[0])
    assert with_split_words(plain, lambda line: split_words(line, "en", CODES)) == plain


def test_lyrics_are_split_and_a_missing_reader_is_told_with_the_command_that_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_split_lyrics()
    assert PHONEMIZER.identity().startswith("embedded/espeak-en-us@2-")
    assert PHONEMIZER.decides() == {"model": "embedded", "language": "en-us"}
    with pytest.raises(BadModel, match="deep_phonemizer', which reads en_us alone"):
        PHONEMIZER.model_copy(update={"model": "deep_phonemizer", "language": "auto"}).identity()
    with pytest.raises(ValueError, match="default is 'ko'; give one of languages: en, de"):
        SongLanguagesParams(languages=("en", "de"), default="ko", min_letters=20, uncovered="drop")
    monkeypatch.setattr(table, "installed", lambda name: None)
    with pytest.raises(
        BadModel, match="no reader of zh, ja is installed; run `pip install --no-deps pypinyin=="
    ) as error:
        build_phonemizer(of_all())  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    french = build_phonemizer(PHONEMIZER.model_copy(update={"language": "fr", "symbols": "ipa"}))
    said = [one.phonemes for one in french.phonemize(["les", "amis", "les", "fleurs", "baby"])]
    assert said == ["lez", "amˈi", "le", "flˈœʁ", "bˈeɪbi"]


@pytest.fixture(scope="module")
def readers() -> Sequence[str]:
    for package in ("pypinyin", "pyopenjtalk", "py3langid"):
        pytest.importorskip(package, reason="make real installs the readers")
    return CODES


@pytest.mark.slow
def test_toy_lines_of_every_language_are_split_read_and_told_by_their_own(readers: Sequence[str]) -> None:
    phonemizer = build_phonemizer(of_all())  # type: ignore[arg-type]
    for toy, code in CODE_OF_TOY.items():
        lines = toy_lines(toy)
        words = [word for line in lines for word in line]
        said = phonemizer.phonemize(words)
        assert not [word for word, one in zip(words, said, strict=True) if one.unknown or not one.phonemes]
        symbols = {symbol for one in said for symbol in one.phonemes}
        assert all(
            unicodedata.category(symbol) in ("Ll", "Lm", "Mn") or symbol in "ˈˌːʔ" for symbol in symbols
        ), symbols
        phones = phonemizer.phones(words)
        assert count_errors(phones, phonemizer.phones(words)).errors == 0
        songs = [[word for line in lines[at : at + 8] for word in line] for at in range(0, NUM_LINES, 8)]
        told = [detect(" ".join(song), CODES, 20) for song in songs]
        assert sum(found == code for found in told) >= 0.95 * len(songs), (code, told)


@pytest.mark.slow
def test_mixed_lines_are_read_word_by_word(readers: Sequence[str]) -> None:
    phonemizer = build_phonemizer(of_all())  # type: ignore[arg-type]
    for line, english in (
        ("사랑해 baby 너를 영원히 love", {"baby": "bˈeɪbi", "love": "lˈʌv"}),
        ("愛してる は 君 を tonight ずっと", {"tonight": "tənˈaɪt"}),
        ("我 真 的 爱 你 my 月 亮", {"my": "mˈaɪ"}),
        ("я люблю тебя baby навсегда", {"baby": "bˈeɪbi"}),
    ):
        words = line.split()
        said = dict(zip(words, phonemizer.phonemize(words), strict=True))
        assert {word: said[word].phonemes for word in english} == english
        assert not [word for word, one in said.items() if one.unknown or not one.phonemes], said
    assert split_words(["街を歩いてるbaby"], "ja", CODES) == [["街", "を", "歩いてる", "baby"]]
    released = build_phonemizer(of_all("released")).phonemize(
        ["ich", "liebe", "dich", "über", "alles", "mein", "herz"]
    )  # type: ignore[arg-type]
    assert sum(one.unknown for one in released) > 0
