"""The document as Markdown that GitHub shows; figures are linked relatively."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

from robustgan.report.document import (
    Block,
    Compare,
    Document,
    Figure,
    Items,
    Link,
    Listing,
    Paragraph,
    Picture,
    Section,
    Table,
    Terms,
    Tiles,
)

SPECIAL = re.compile(r"([\\`*_\[\]|~])")


def text(document: Document) -> str:
    """The whole report."""
    parts = [f"# {escape(document.title)}", escape(document.subtitle)]
    for section in document.sections:
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    return [f"## {escape(section.title)}", *(_block(block) for block in section.blocks)]


def _block(block: Block) -> str:
    match block:
        case Paragraph(words, tone):
            return _paragraph(words, tone)
        case Table():
            return _table(block.filled)
        case Figure(pictures, caption, _):
            images = "\n".join(map(_image, pictures))
            return f"{images}\n\n*{escape(caption)}*"
        case Compare(pairs, caption):
            lines = [f"{_image(pair.before)} {_image(pair.after)} {escape(pair.title)}" for pair in pairs]
            return "\n\n".join([*lines, f"*{escape(caption)}*"])
        case Items(items):
            return "\n".join(f"- {escape(item)}" for item in items)
        case Terms(terms):
            return "\n".join(f"- **{escape(term)}**: {escape(meaning)}" for term, meaning in terms)
        case Tiles(tiles):
            return "\n".join(f"- {escape(t.label)}: **{escape(t.value)}** ({escape(t.detail)})" for t in tiles)
        case Link(words, _, title):
            return f"[{escape(words)}](#{re.sub(r'[^a-z0-9 -]', '', title.lower()).replace(' ', '-')})"
        case Listing(command):
            return "\n".join(f"    {line}" for line in command.splitlines())


def _image(picture: Picture) -> str:
    return f"![{escape(picture.alt)}]({quote(picture.path)})"


def _paragraph(words: str, tone: str) -> str:
    if tone == "warning":
        return f"> **Warning.** {escape(words)}"
    return f"*{escape(words)}*" if tone == "note" else escape(words)


def _table(table: Table) -> str:
    right = [any(row[i].numeric for row in table.rows) for i in range(len(table.columns))]
    lines = [
        _row([escape(column) for column in table.columns]),
        _row(["---:" if numeric else "---" for numeric in right]),
        *(_row([escape(cell.text) for cell in row]) for row in table.rows),
    ]
    if table.folded:
        head = f"<details><summary>{html.escape(table.caption)} ({len(table.rows)} rows)</summary>"
        return f"{head}\n\n" + "\n".join(lines) + "\n\n</details>"
    return f"{escape(table.caption)}\n\n" + "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(words: str) -> str:
    """Plain text for Markdown: nothing in it is markup or HTML, and it stays on one line."""
    flat = " ".join(words.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SPECIAL.sub(r"\\\1", flat)
