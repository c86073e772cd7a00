"""What the verdict stands on: the strength checks in short, beside it; the section has them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from robustgan.report.document import Block, Cell, Link, Paragraph, Status, Table, Tile
from robustgan.report.folder import Folder, Row, records
from robustgan.report.sections import strength
from robustgan.report.words import count_cell, listed, plain, status_cell
from robustgan.strength import doubts, statuses

COLUMNS = ("Classifier", "Check", "Outcome", "Found", "Value", "Limit", "Images")
TELLING = ("fail", "warn")  # outcomes that the verdict names one by one; a required check that was not run is named too


def tiles(folder: Folder) -> Iterator[Tile]:
    """One a classifier: how many of its checks have each outcome."""
    for model in folder.judged:
        found = _statuses(folder, model)
        counted = Counter(found.values())
        shown = [f"{counted[word]} {word}" for word in strength.ORDER if counted[word]]
        shown += [f"{n} {word or 'no outcome'}" for word, n in counted.items() if word not in strength.ORDER]
        doubted = bool(doubts(found))
        mark: Status = ("bad" if counted["fail"] else "open") if doubted else ("poor" if counted["warn"] else "good")
        value = "in doubt" if doubted else "shown"
        label, detail = f"Strength of the attacks on {model}", f"strength checks: {', '.join(shown)}"
        yield Tile(label, value, detail, mark) if found else Tile(label, "not measured", "no strength checks", "open")


def blocks(folder: Folder) -> list[Block]:
    """The checks that fail or warn, with their numbers, and the way to all of them."""
    rows = [row for row in records(folder.strength) if row["status"] in TELLING]
    ordered = sorted(rows, key=lambda row: TELLING.index(row["status"]))
    caption = "Strength checks that fail or warn; gates about robustness are worth no more than these."
    found: list[Block] = [Table(caption, COLUMNS, tuple(map(_line, ordered)))] if ordered else []
    return [*found, Link("All strength checks, with curves", "strength", strength.TITLE)] if folder.judged else found


def weakening(folder: Folder, rows: Sequence[Row]) -> list[Block]:
    """Why gates about robustness do not decide, where that is because the strength of the attacks is in doubt."""
    held = [row for row in rows if row["robustness"] and row["status"] == "indeterminate"]
    about = {str(model) for row in held for model in ([row["model"]] if row["model"] else folder.judged)}
    doubted = [model for model in folder.judged if model in about and doubts(_statuses(folder, model))]
    if not doubted:
        return []
    text = (
        f"Gates about the robustness of {listed(doubted)} are indeterminate where a strength check failed or was not "
        "run: an attack that was too weak, or was hindered, cannot show that a classifier is robust."
    )
    return [Paragraph(text)]


def _statuses(folder: Folder, model: str) -> dict[str, str]:
    return statuses(folder.strength[folder.strength["model"] == model])


def _line(row: Row) -> tuple[Cell, ...]:
    value, limit = (Cell("", n) if (n := float(row[name])) != n else Cell(plain(n), n) for name in ("value", "limit"))
    named = (Cell(str(row["model"])), Cell(str(row["check"])), status_cell(str(row["status"])), Cell(str(row["found"])))
    return (*named, value, limit, count_cell(row["images"]))
