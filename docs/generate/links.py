"""Links of a page that leave `docs/`: they mean files of the repository. And what a page would load from elsewhere."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

LOADED = re.compile(r"""<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")
LINK = re.compile(r"\]\(((?:\.\./)+[^)\s#]+)\)")


class Outside(NamedTuple):
    """A link as it stands in the page, and the file that it means, from the root of the repository."""

    text: str
    target: str


def outward(markdown: str, page: str) -> list[Outside]:
    """The links of a page (its path under `docs/`) that leave the folder."""
    here = posixpath.join("docs", posixpath.dirname(page))
    every = (Outside(text, posixpath.normpath(posixpath.join(here, text))) for text in LINK.findall(markdown))
    return [link for link in every if not link.target.startswith("docs/")]


def placed(target: str) -> str:
    """Where the site has its copy of a file of the repository."""
    return f"repository/{target}"


def loaded(html: str, own: str = "") -> str:
    """The first element that would fetch something from another machine; empty where none does.

    Args:
        html: the page.
        own: its canonical address, which it names and does not fetch.
    """
    found = LOADED.search(html.replace(f'<link rel="canonical" href="{own}">', ""))
    return found[0] if found else ""
