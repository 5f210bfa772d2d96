"""Labels of a song's parts (verse, chorus, bridge): what people write for them, in a dozen languages, as one of a small closed set.

The set is that of the annotations which structure models learn from (Harmonix, SongFormer), in their words: ``inst`` is any part in
which instruments lead (solo, break, interlude), ``other`` what none of the others says.
"""

from __future__ import annotations

import re

SECTION_LABELS = ("intro", "verse", "pre_chorus", "chorus", "bridge", "inst", "outro", "other")
WRITTEN = (
    (
        "pre_chorus",
        r"pre[- _]?(?:chorus|hook|coro)|pr[eé][- ]?refr\w*|vorrefrain|предприпев|预副歌|導歌|프리코러스|[BＢ]メロ",
    ),
    ("other", r"post[- _]?(?:chorus|refrain)|applause|cheering|laugh\w*|silence|spoken|end\b|start\b|fin\b"),
    (
        "chorus",
        r"chorus|refr\w+|hook|estribillo|coro|ritornello|omkv\w+|nakarat|припев|副歌|大?サビ|후렴|drop",
    ),
    ("intro", r"intro\w*|vorspiel|вступление|前奏|イントロ|인트로"),
    ("outro", r"outro\w*|coda|ending|final|nachspiel|尾[奏声]|アウトロ|아웃트로|tag|vamp"),
    (
        "bridge",
        r"bridge|puente|ponte?|br[uü]cke|brygga|brug|бридж|[桥橋]段|브[릿리]지|[CＣ]メロ|middle[- ]?(?:8|eight)",
    ),
    (
        "inst",
        r"inst(?:rumental\w*)?|solo|inter(?:lude|m[eè]de)|break\w*|zwischenspiel|musi[ck]\w*|guitar|piano|drums?|проигрыш|[间間]奏|간주|humming|no vocals?",
    ),
    ("verse", r"vers\w*|estrof[ae]|strof[ae]|strophe|couplet|zwrotka|куплет|主歌|벌스|[AＡ]メロ|rap"),
)
"""In the order in which they are asked: "pre-chorus" holds "chorus"."""
_PATTERNS = tuple((label, re.compile(rf"(?<![^\W\d_])(?:{text})", re.IGNORECASE)) for label, text in WRITTEN)
SEEN = 60


def section_label(text: str) -> str:
    """The label of `SECTION_LABELS` that a written one says (``Verse 2: Ann`` is verse); ``other`` where it says none of them.

    What is said first decides, so that a description behind it ("Chorus: full drums") changes nothing.
    """
    head = re.split(r"[:：|(\[]", text[:SEEN], maxsplit=1)[0]
    return next((label for label, pattern in _PATTERNS if pattern.search(head)), "other")
