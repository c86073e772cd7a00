"""Filled-in sheets: every answer checked, with the row and the column of what is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from robustgan.errors import InputError, nearest
from robustgan.rating.key import COLUMNS, QUESTIONS, SHEET

MOST = 10_000_000  # bytes of a sheet
SHOWN = 5  # mistakes that are listed of each sheet
DELIMITERS = ",;\t"  # spreadsheets write a semicolon where the comma is the decimal sign

Row = dict[str, str]
Numbered = tuple[int, Row]  # the header is row 1, as in a spreadsheet


def sheets_in(folder: Path) -> list[Path]:
    """All CSV files of a folder."""
    return sorted(path for path in folder.glob("*.csv") if path.is_file())


def read_sheets(paths: Sequence[Path], ids: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Answers of each rater, who is named by the file; the empty sheet that `make` wrote is left out.

    Raises:
        InputError: a sheet is wrong or half-filled, two have one name, or nobody answered.
    """
    found: dict[str, pd.DataFrame] = {}
    for path in paths:
        rows = list(rows_of(path))
        if path.name == SHEET and not any(row[name] for _, row in rows for name in QUESTIONS):
            continue
        if path.stem in found:
            raise InputError(f"{path}: a second sheet called `{path.stem}`; name each file after its rater.")
        found[path.stem] = checked(path, rows, ids)
    if not found:
        names = ", ".join(str(path) for path in paths) or "no CSV file"
        raise InputError(f"no sheet with answers: looked at {names}. Name the filled-in files after the folder.")
    return found


def checked(path: Path, rows: list[Numbered], ids: Sequence[str]) -> pd.DataFrame:
    """The answers in the order of `ids`.

    Raises:
        InputError: lists what is wrong, by row and column.
    """
    wrong = list(mistakes(rows, ids))
    if wrong:
        more = f" And {len(wrong) - SHOWN} more." if len(wrong) > SHOWN else ""
        raise InputError(f"{path}: {' '.join(wrong[:SHOWN])}{more}")
    return pd.DataFrame([row for _, row in rows]).set_index("id").loc[list(ids), list(QUESTIONS)]


def mistakes(rows: list[Numbered], ids: Sequence[str]) -> Iterator[str]:
    """What is wrong with the rows of a sheet, one sentence each."""
    known: set[str] = set(ids)
    seen: dict[str, int] = {}
    for number, row in rows:
        name = row["id"]
        if name not in known:
            yield f"Row {number}, column `id`: found {name[:40]!r}, which is no image of this folder."
        elif name in seen:
            yield f"Row {number}, column `id`: found {name!r} again, it stands in row {seen[name]} already."
        else:
            seen[name] = number
            for column, allowed in QUESTIONS.items():
                if row[column] not in allowed:
                    what = repr(row[column][:40]) if row[column] else "nothing"
                    yield f"Row {number}, column `{column}`: found {what}, allowed: {', '.join(allowed)}."
    for name in ids:
        if name not in seen:
            yield f"Column `id`: no row for {name!r}."


# ------------------------------------------------------------------------------------------------------- reading


def rows_of(path: Path) -> Iterator[Numbered]:
    """Rows of a sheet as text without blanks around it, in lower case but for notes; empty rows are left out.

    Raises:
        InputError: not a CSV file with the columns of the sheet.
    """
    lines = records(path)
    head = [name.strip().lower() for name in trimmed(next(lines, []))]
    check_head(path, head)
    for number, line in enumerate(lines, start=2):
        cells = trimmed(line)
        if len(cells) > len(head):
            raise InputError(
                f"{path}: row {number}: found {len(cells)} cells, allowed are {len(head)}. "
                "Put a note that holds a comma in double quotes."
            )
        if cells:
            row = dict(zip(head, (cell.strip() for cell in cells), strict=False))
            yield number, {name: row.get(name, "") if name == "note" else row.get(name, "").lower() for name in COLUMNS}


def trimmed(cells: list[str]) -> list[str]:
    """The cells without empty ones at the end, which spreadsheets add."""
    full = [place for place, cell in enumerate(cells, start=1) if cell.strip()]
    return cells[: full[-1]] if full else []


def check_head(path: Path, head: list[str]) -> None:
    """Raise an `InputError` where the columns are not those of the sheet; `note` may be missing."""
    missing = [name for name in COLUMNS if name not in head and name != "note"]
    extra = [name for name in head if name not in COLUMNS]
    if missing or extra or len(set(head)) < len(head):
        hint = f" Found `{extra[0][:40]}`. {nearest(extra[0], COLUMNS)}" if extra else ""
        raise InputError(f"{path}: row 1: the columns must be {', '.join(COLUMNS)}, each once.{hint}")


def records(path: Path) -> Iterator[list[str]]:
    """Records of a CSV file, of the delimiter that its first line has most of.

    Raises:
        InputError: no such file, too large, not UTF-8, or quotes that do not close.
    """
    text = _text(path)
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV file: {error}.") from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    if data is None:
        raise InputError(f"{path}: found a file of more than {MOST:,} bytes, which is no rating sheet.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8. Save the sheet as `CSV UTF-8`.") from None
