"""The nouns of a report: sections of blocks, free of any format. Strings are plain text, never markup."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

Tone = Literal["plain", "lead", "note", "warning"]
Status = Literal["", "good", "poor", "bad", "open"]  # how a word is marked; the word itself says what it is


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is shown, and what it is sorted by."""

    text: str
    order: float | None = None  # None: sorted by its text; NaN (undefined) sorts last
    muted: bool = False  # undefined or secondary: shown in grey
    status: Status = ""
    hint: str = ""  # what the number rests on, shown where a pointer rests on it

    @property
    def numeric(self) -> bool:
        """Whether the cell holds a number (or the lack of one)."""
        return self.order is not None


@dataclass(frozen=True)
class Table:
    """Rows under column heads, with a sentence that says what they are."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False  # long: shown when asked for

    @property
    def filled(self) -> Table:
        """The table without columns in which every cell is empty."""
        kept = [i for i in range(len(self.columns)) if any(row[i].text for row in self.rows)]
        rows = tuple(tuple(row[i] for i in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[i] for i in kept), rows=rows)


@dataclass(frozen=True)
class Paragraph:
    """Plain words; `tone` says how loud."""

    kind: ClassVar[str] = "paragraph"
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    kind: ClassVar[str] = "items"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Terms:
    """A list of terms with what each means."""

    kind: ClassVar[str] = "terms"
    terms: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Listing:
    """Lines to be copied as they are: a command."""

    kind: ClassVar[str] = "listing"
    text: str


@dataclass(frozen=True)
class Link:
    """The way to another section of the report."""

    kind: ClassVar[str] = "link"
    text: str
    anchor: str
    title: str  # of that section: where a format makes its anchors of titles


@dataclass(frozen=True)
class Tile:
    """One number that people remember."""

    label: str
    value: str
    detail: str
    status: Status = ""


@dataclass(frozen=True)
class Tiles:
    """The few numbers above everything else."""

    kind: ClassVar[str] = "tiles"
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Picture:
    """An image file, with words for those who cannot see it."""

    path: str  # relative to the report's folder, forward slashes
    alt: str


@dataclass(frozen=True)
class Figure:
    """Pictures that belong together: side by side where there is room, else one under the other."""

    kind: ClassVar[str] = "figure"
    pictures: tuple[Picture, ...]
    caption: str
    natural: bool = False  # as large as their pixels, for pictures that were not drawn for a narrow column


@dataclass(frozen=True)
class Pair:
    """Two pictures of one size that differ in little."""

    before: Picture
    after: Picture
    title: str


@dataclass(frozen=True)
class Compare:
    """Pairs to be held against each other: one over the other where a script runs, else side by side."""

    kind: ClassVar[str] = "compare"
    pairs: tuple[Pair, ...]
    caption: str


Block = Table | Paragraph | Items | Terms | Listing | Link | Tiles | Figure | Compare


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
