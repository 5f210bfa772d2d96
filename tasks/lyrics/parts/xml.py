"""XML of a stranger: parsed without entities, and no deeper than anyone would write it."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tasks.engine.song import Refused

DEEPEST = 64


def root_is(text: str, *names: str) -> bool:
    """Whether the first element of a text, in any namespace, has one of these names."""
    head = re.sub(r"<!--.*?-->", "", text[:4000], flags=re.DOTALL).lstrip("\ufeff \n\t\r")
    first = re.search(r"<(?:\w{1,40}:)?([A-Za-z_][\w-]{0,40})[\s>/]", head)
    return head.startswith("<") and first is not None and first[1] in names


def parsed(text: str, form: str) -> Element:
    """The root, its tags and attributes without namespaces.

    Raises:
        Refused: ``lyrics_malformed``: it is no XML, has entities of its own, or is nested deeper than `DEEPEST`.
    """
    try:
        root: Element = fromstring(text)
    except ParseError as error:
        raise Refused(
            "lyrics_malformed", f"{form}: line {error.position[0]}: {error}; export the file anew"
        ) from error
    except DefusedXmlException as error:
        raise Refused(
            "lyrics_malformed", f"{form}: {error}; remove the entities that the file defines"
        ) from error
    level = [root]
    for _ in range(DEEPEST):
        for element in level:
            element.tag = local(element.tag) if isinstance(element.tag, str) else ""
            element.attrib = {local(key): value for key, value in element.attrib.items()}
        level = [child for element in level for child in element]
    if level:
        raise Refused(
            "lyrics_malformed", f"{form}: elements are nested deeper than {DEEPEST}; export the file anew"
        )
    return root


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def text_of(element: Element | None) -> str:
    """All text in an element, blanks as one; empty for None."""
    return "" if element is None else " ".join("".join(element.itertext()).split())
