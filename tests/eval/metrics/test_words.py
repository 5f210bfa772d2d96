"""Words as they are written and as they are said: one normaliser for lyrics, transcripts and error rates."""

from __future__ import annotations

import random
import time

from eval.metrics.english_signs import read_signs
from eval.metrics.error_rates import UNIT, count_errors, normalise
from eval.metrics.words import DOUBLED, as_said, cut_runs, normalise_words
from tasks.models.embedded.recogniser import load_recogniser
from tasks.models.phonemizer import normalise_words as of_the_stages
from tasks.toy.composition import VOCABULARY
from tests.every import every

PIECES = [
    "love", "Don’t", "STOP", "loooove", "mm-hmm", "café", "Straße", "naïve", "привет", "日本", "İstanbul", "ΣΟΦΟΣ", "ﬁre",
    "rock'n'roll", "100%", "100", "$5", "3.14", "&", "+", "@", "#1", "24/7", "1st", "9:30", "50¢", "€20", "20 €", "1,000",
    "1990s", "½", "1,2,3", "5'10", "...", "--", "—", "!", "(hey)", "_", "'", "\u200b", "٣", "%", "$",
]  # fmt: skip


@every(
    ("text", "words"),
    [
        ("Don’t STOP — twenty-one!", ["don't", "stop", "twenty", "one"]),
        ("'cause I'm singin' “loud”", ["cause", "i'm", "singin", "loud"]),
        ("1,000 miles & 3.5 more", ["1000", "miles", "&", "3.5", "more"]),
        ("AC/DC under_score", ["ac", "dc", "under", "score"]),
        ("Cafe\u0301 naïve 日本 привет", ["café", "naïve", "日本", "привет"]),
        ("1,2,3,4! 1.000.000 men", ["1", "2", "3", "4", "1000000", "men"]),
        ("100 % of $ 5, #1 since the '90s", ["100%", "of", "$5", "#1", "since", "the", "90s"]),
        ("Me @ home, U + I (24/7). 9:30.", ["me", "@", "home", "u", "+", "i", "24/7", "9:30"]),
        ("loooove, aaah", ["loooove", "aaah"]),
        (" ... -- ' ++ % ", []),
    ],
)
def test_normalise_words_keeps_what_is_sung(text: str, words: list[str]) -> None:
    assert normalise_words(text) == words


@every(
    ("written", "read"),
    [
        ("100%", "one hundred percent"), ("2.5%", "two point five percent"), ("$5", "five dollars"),
        ("$1", "one dollar"), ("$2.50", "two dollars, fifty cents"), ("£0.01", "one penny"), ("$0", "zero dollars"),
        ("$1.5", "one point five dollars"), ("50¢", "fifty cents"), ("€20", "twenty euros"), ("20€", "twenty euros"),
        ("3.14", "three point one four"), ("&", "and"), ("+", "plus"), ("@", "at"), ("#1", "number one"),
        ("24/7", "twenty-four seven"), ("1/2", "one half"), ("3/4", "three quarters"), ("50/50", "fifty fifty"),
        ("1st", "first"), ("22nd", "twenty-second"), ("30th", "thirtieth"), ("100th", "one hundredth"),
        ("9:30", "nine thirty"), ("9:05", "nine oh five"), ("9:00", "nine o'clock"), ("1000", "one thousand"),
        ("1984", "nineteen eighty-four"), ("1905", "nineteen oh five"), ("1900", "nineteen hundred"),
        ("2000", "two thousand"), ("2007", "two thousand seven"), ("2015", "twenty fifteen"),
        ("1990s", "nineteen nineties"), ("90's", "nineties"), ("1000000", "one million"), ("007", "zero zero seven"),
        ("1" * 16, " ".join(["one"] * 16)), ("4ever", "4ever"), ("love", "love"), ("$5€", "$5€"), ("٣", "٣"),
    ],
)  # fmt: skip
def test_signs_and_numbers_are_read_as_english_has_them(written: str, read: str) -> None:
    assert read_signs(written) == read


@every(
    ("held", "cut"),
    [
        ("loooove", "love"), ("nooo", "no"), ("yeahhhh", "yeah"), ("yeahh", "yeah"), ("goood", "good"), ("seeee", "see"),
        ("oooh", "ooh"), ("aaah", "ah"), ("helloooo", "hello"), ("allll", "all"), ("heyyyyy", "hey"), ("mmmm", "mm"),
        ("see", "see"), ("moon", "moon"), ("shh", "shh"), ("ooh", "ooh"), ("mississippi", "mississippi"), ("mm", "mm"),
        ("vacuum", "vacuum"), ("withhold", "withhold"), ("viii", "viii"), ("啊啊啊", "啊啊啊"), ("ㅋㅋㅋ", "ㅋㅋㅋ"), ("", ""),
        ("1000", "1000"), ("нееет", "нет"), ("soooo-goood", "so-goood"),
    ],
)  # fmt: skip
def test_three_letters_are_held_and_two_may_be_spelling(held: str, cut: str) -> None:
    assert cut_runs(held) == cut if "-" not in held else cut_runs(held) != held


def test_no_word_spelt_with_two_letters_is_cut_and_every_one_is_found_again() -> None:
    for word in DOUBLED:
        assert cut_runs(word) == word
        held = next(word[:i] + word[i] * 4 + word[i:] for i in range(1, len(word)) if word[i] == word[i - 1])
        assert cut_runs(held) == word, held


def test_the_normalisers_of_stages_and_error_rates_agree_on_any_text() -> None:
    assert of_the_stages is normalise_words
    draw = random.Random(16)
    for _ in range(2000):
        text = "".join(
            draw.choice(PIECES) + draw.choice([" ", " ", ", ", "-", ""]) for _ in range(draw.randint(0, 12))
        )
        words = normalise_words(text)
        said = [said for word in words for unit in UNIT.findall(word) for said in as_said(unit)]
        assert normalise([text]) == normalise(words) == said, text
        assert normalise_words(" ".join(words)) == words, text
        assert normalise(normalise([text])) == normalise([text]), text
        if not any(char.isnumeric() or char in "&+@" for char in text) and "ooo" not in text:
            assert normalise([text]) == [unit for word in words for unit in UNIT.findall(word)], text


@every("unit", ["1", "1.", ",000", "1 ", "$ ", "% ", "aab", "l", "h", "'", "1/2:"])
def test_no_text_makes_the_normaliser_slow(unit: str) -> None:
    began = time.process_time()
    words = normalise_words(unit * (200_000 // len(unit)))
    said = [part for word in words[:1000] for part in as_said(word)]
    assert time.process_time() - began < 5 and len(said) < 5000


def test_the_recognisers_vocabulary_is_written_as_lyrics_are() -> None:
    lexicon = load_recogniser("recogniser").config.lexicon
    assert {word for entry in VOCABULARY for word in normalise_words(entry)} <= lexicon.keys()
    assert all(normalise_words(word) == as_said(word) == [word] for word in lexicon)


def test_a_number_in_figures_and_one_in_words_are_no_error() -> None:
    written, heard = (
        ["100%", "loooove", "&", "$5"],
        ["one", "hundred", "percent", "love", "and", "five", "dollars"],
    )
    assert count_errors(normalise(written), normalise(heard)).errors == 0
