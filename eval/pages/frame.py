"""The frame of a page that needs nothing but itself (style, script, policy): report.html, and the page of one song.

Text goes in through `html.escape`, data through JSON with `<` escaped; the content policy names the hash of
the one style and the one script, so that nothing else can run and nothing can be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

Section = tuple[str, str, str]
"""Key, title (HTML) and body (HTML)."""


def html_page(
    title: str,
    styles: Sequence[str],
    scripts: Sequence[str],
    header: str,
    sections: Sequence[Section],
    data: Any,
    embedded: Mapping[str, str],
) -> str:
    """The whole page as text. `styles` and `scripts` are files of eval/pages/assets, which become one of each;
    `embedded` is base64 by script id.
    """
    folder = files("eval.pages") / "assets"
    style = "\n".join((folder / name).read_text("utf-8") for name in styles)
    code = "\n".join((folder / name).read_text("utf-8") for name in scripts)
    return Template((folder / "page.html").read_text("utf-8")).substitute(
        policy=_policy(style, code),
        title=escape(title),
        style=style,
        header=header,
        first=sections[0][0],
        sections="\n".join(
            f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{heading}'
            f"</h2>\n{body}</section>"
            for key, heading, body in sections
        ),
        data=_json(data),
        audio="\n".join(
            f'<script type="text/plain" id="{name}">{text}</script>' for name, text in embedded.items()
        ),
        script=code,
    )


def _policy(style: str, script: str) -> str:
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "img-src data:; media-src blob: file: 'self'; base-uri 'none'; form-action 'none'"
    )


def _json(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
