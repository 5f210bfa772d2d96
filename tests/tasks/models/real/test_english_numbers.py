"""English read aloud: what is written short becomes the words jamify's normaliser makes of it."""

from __future__ import annotations

from tasks.models.real.english_numbers import read_aloud
from tests.every import every


@every(
    ("written", "spoken"),
    [
        ("Dr. Jones", "doctor. Jones"),
        ("st", "saint"),
        ("stop", "stop"),
        ("btw", "by the way"),
        ("21", "twenty-one"),
        ("007", "seven"),
        ("1,234,567", "one million, two hundred thirty-four thousand, five hundred sixty-seven"),
        ("1984", "nineteen eighty-four"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2000", "two thousand"),
        ("2005", "two thousand five"),
        ("3000", "three thousand"),
        ("3.14", "three point fourteen"),
        ("50%", "fifty percent"),
        ("1/2", "one half"),
        ("1/4", "one quarter"),
        ("3/4", "three quarters"),
        ("2/3", "two third"),
        ("1st", "first"),
        ("21st", "twenty-first"),
        ("101st", "one hundred and first"),
        ("£30", "thirty pounds"),
        ("$1", "one dollar"),
        ("$2.50", "two dollars, fifty cents"),
        ("$.01", "one cent"),
        ("$0", "zero dollars"),
        ("$", "$"),
        ("mambo no5", "mambo no five"),
        ("", ""),
    ],
)
def test_what_is_written_short_is_spelt_out(written: str, spoken: str) -> None:
    assert read_aloud(written) == spoken


@every("written", ["9" * 5000, "$" + "9" * 5000, f"1/{'8' * 5000}", "7" * 5000 + "th", "1/0", "$1.2.3"])
def test_no_number_is_too_long_to_be_read(written: str) -> None:
    spoken = read_aloud(written)
    assert spoken and not any(char.isdigit() for char in spoken)
