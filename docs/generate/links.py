"""Links of a page that leave `docs/`: they mean files of the repository."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

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
