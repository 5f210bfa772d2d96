"""Adverts and credits in what is heard or written: addresses, calls to subscribe, who made it, who owns it.

Whole lines of credits are taken out of written lyrics when they are read (tasks/lyrics/parts/unsung.py); this looks for what is
left in a line, and for what a recogniser heard or made up, spelled as it would be spoken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

ADVERT = re.compile(
    r"https?://|\bwww\b|\bw w w\b|\b(?:dot|punkt|point|punto) (?:com|net|org|de|fr|tv|co)\b|\w\.(?:com|net|org|tv)\b|\S{1,64}@\S{1,64}\.\w{2,4}\b"
    r"|\b(?:please |don't forget to )?(?:like and subscribe|subscribe to|subscribe for)\b|\bthanks? (?:you )?for (?:watching|listening)\b"
    r"|\bfollow (?:me|us) on\b|\bfind us (?:on|at)\b|\bvisit (?:us|our|my)\b|\bsponsored by\b|\bterms and conditions\b|\bfree trial\b"
    r"|\bdownload (?:the|our|my) app\b|\bpromo code\b|\bin stores now\b|\bout now on\b"
    r"|\b(?:lyrics|subtitles?|captions?|transcription|translation|music|words|song) (?:provided |written |licensed |made )?by\b"
    r"|\b(?:produced|written|composed|translated|transcribed|distributed) by\b|\ball rights reserved\b|\bcopyright\b|©|℗"
)
"""In lower case. Each is what adverts and credits say and a song hardly would."""


def adverts_in(texts: Sequence[Sequence[str] | None]) -> int:
    """How many such phrases stand in these texts, each a list of words; None is no text."""
    return sum(len(ADVERT.findall(" ".join(words).lower())) for words in texts if words)
