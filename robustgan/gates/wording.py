"""Words that others chose (names of attacks, subtypes, configs), made safe to show where they could do something."""

from __future__ import annotations

import html
import re

_MARKUP = re.compile(r"([\\`*_\[\]|~#!$(){}])")
_CALLS = re.compile(r"[@#]|://|(?<=www)\.", re.IGNORECASE)  # GitHub turns these into mentions and links
_APART = "\u200b"  # shows nothing; what follows is no longer the word that GitHub looks for


def legible(words: str) -> str:
    """The same on one line: what cannot be seen, or turns the reading direction, stands there as its code.

    Control characters are not allowed in XML at all; lone surrogates cannot be written as UTF-8.
    """
    flat = " ".join(words.split())
    if flat.isprintable():
        return flat
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in flat)


def cut(words: str, length: int) -> str:
    """At most `length` characters."""
    return words if len(words) <= length else words[: length - 1] + "…"


def markdown(words: str, length: int = 200) -> str:
    """For Markdown on GitHub: no markup, no HTML, no mention, no link, one line."""
    flat = html.escape(cut(legible(cut(words, length)), length), quote=False)
    return _CALLS.sub(lambda call: call[0][:1] + _APART + call[0][1:], _MARKUP.sub(r"\\\1", flat))


def sarif(words: str, length: int = 1000) -> str:
    """For a SARIF message: brackets would be an embedded link.

    Source: OASIS SARIF 2.1.0, section 3.11.6.
    """
    return re.sub(r"([\\\[\]])", r"\\\1", cut(legible(cut(words, length)), length))
