"""folder: any images with a CSV manifest that names path, label and patient, with columns of any name."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BeforeValidator, Field

from robustgan import tables
from robustgan.config import Spec
from robustgan.datasets import _survey
from robustgan.errors import InputError, nearest
from robustgan.interfaces import Dataset
from robustgan.journal import Tick

ABSENT = {"", "nan", "na", "n/a", "none", "null"}  # what spreadsheets write where there is no value
ADVICE = (
    "Say which column holds what: `columns: {path: ..., label: ..., group: the patient}` "
    "(`robustgan audit`: --columns group=patient_id)."
)
SPLITS = ("", "train", "val", "test")


def _text_keys(value: Any) -> Any:
    """YAML reads `0: 0` with a number as its key; a manifest holds text."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


class Columns(Spec):
    """Which column of the manifest holds what; empty where the manifest has no such column."""

    path: str = "path"  # file, relative to the root
    label: str = "label"
    group: str = "group"  # patient
    slide: str = ""
    subtype: str = ""
    magnification: str = ""  # 40, 40X or 40x
    split: str = ""  # train, val, test or empty; used by the protocol `given`


class Folder(Dataset):
    """Images under one folder, listed by a CSV file there. Files that it does not list are ignored."""

    root: str  # folder under the user's data folder, or an absolute path
    csv: str = "manifest.csv"  # the manifest, relative to the root
    columns: Columns = Columns()
    labels: Annotated[dict[str, Literal[0, 1]], BeforeValidator(_text_keys)] = Field(
        default={"0": 0, "1": 1, "benign": 0, "malignant": 1}, min_length=2
    )  # value of the label column -> 0 benign, 1 malignant
    magnification: Annotated[int, Field(ge=0)] = 0  # of all images, where the manifest has no column for it; 0 unknown
    citation: str = ""  # whom to cite for the images

    @property
    def source(self) -> str:
        """The citation that the config gives."""
        return self.citation or f"Images of the folder {self.root}; the config gives no citation."

    def locate(self, data: Path, folder: Path) -> Path:
        """The folder that holds the manifest.

        Raises:
            InputError: there is no such folder.
        """
        root = data / self.root
        if not root.is_dir():
            raise InputError(f"dataset.root: no folder {root}.")
        return root

    def fingerprint(self, root: Path) -> str:
        """sha256 over names and bytes of the manifest and of every file that it lists."""
        return _survey.fingerprint(root, [self.csv, *self._table(root)["path"]])

    def manifest(self, root: Path, tick: Tick) -> pd.DataFrame:
        """List every row of the manifest.

        An image that is there twice keeps its rows; the later ones get a finding. Where the copies carry
        different labels nobody knows which is right: then all of them get a finding.

        Raises:
            InputError: the manifest cannot be read, lacks a column, or holds values that are not allowed; a
            file
                is missing, outside the root, or no usable image; there is one class only.
        """
        rows = pd.DataFrame(self._table(root))
        rows = pd.concat([rows, _survey.survey(root, rows["path"].tolist(), tick)], axis=1)
        both = "the same image stands under both labels"
        rows["finding"] = _survey.twins(rows).mask(_survey.contradictions(rows), both)
        _survey.require_both_classes(rows.loc[rows["finding"] == "", "label"], root)
        return tables.check(rows.drop(columns="pixels"), tables.MANIFEST, str(root))

    def _table(self, root: Path) -> dict[str, list[Any]]:
        """The manifest's columns by our names, every value checked but no image opened; a plan needs no pandas."""
        where = root / self.csv
        raw = _read(where, self._used())
        nothing = [""] * len(raw[self.columns.path])
        found: dict[str, list[Any]] = {key: raw[name] if name else nothing for key, name in self.columns}
        found["label"] = self._labels(found["label"], where)
        found["magnification"] = self._magnifications(found["magnification"], where)
        _present(found["group"], f"{where}: rows without a patient (column `{self.columns.group}`)")
        _allowed(found["split"], SPLITS, f"{where}: column `{self.columns.split}`")
        found["slide"] = [slide or group for slide, group in zip(found["slide"], found["group"], strict=True)]
        _check_paths(found["path"], root, where)
        found["given_split"] = found.pop("split")
        return found

    def _used(self) -> list[str]:
        """Columns that the manifest must have; a file may not do without path, label and group."""
        needed = {key: name for key, name in self.columns if name or key in ("path", "label", "group")}
        return list(needed.values())

    def _labels(self, values: list[str], where: Path) -> list[int]:
        _allowed(values, self.labels, f"{where}: column `{self.columns.label}` (set `labels`)")
        return [self.labels[value] for value in values]

    def _magnifications(self, values: list[str], where: Path) -> list[int]:
        if not self.columns.magnification:
            return [self.magnification] * len(values)
        wrong = [
            f"row {row}: found {value!r}"
            for row, value in enumerate(values, start=2)
            if not re.fullmatch(r"[0-9]{1,5}[xX]?", value)
        ]
        _survey.refuse(
            wrong,
            f"{where}: column `{self.columns.magnification}`",
            "Allowed are whole numbers, as 40 or 40X.",
        )
        return [int(value.rstrip("xX")) for value in values]


def _read(path: Path, names: list[str]) -> dict[str, list[str]]:
    """Some columns of the CSV file as text, absent values empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _rows(file)
            head = next(rows)
            missing = [f"no column `{name}`. {nearest(name, head)}" for name in names if name not in head]
            _survey.refuse(missing, f"{path}: columns", ADVICE)
            places = [head.index(name) for name in names]
            found = [[_text(row[i]) for i in places] for row in rows]
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file. The data set needs a CSV table with a row an image: its path, label and patient. "
            "Name it with `csv` (`robustgan audit`: --table)."
        ) from None
    except (OSError, ValueError, csv.Error) as error:  # bytes that are no UTF-8 are a ValueError
        raise InputError(f"{path}: cannot be read as CSV: {error}") from None
    if not found:
        raise InputError(f"{path}: the manifest lists no image.")
    return {name: list(values) for name, values in zip(names, zip(*found, strict=True), strict=True)}


def _rows(file: Iterable[str]) -> Iterator[list[str]]:
    """Rows that are not blank, the header first; one that is cut short goes on with empty values.

    Raises:
        ValueError: a row is longer than the header, or nothing is there.
    """
    width = 0
    for number, row in enumerate(csv.reader(file, strict=True), start=1):
        if len(row) > 1 or "".join(row).strip():
            width = width or len(row)
            if len(row) > width:
                raise ValueError(f"row {number} holds {len(row)} values for {width} columns; quote those with a comma.")
            yield row + [""] * (width - len(row))
    if not width:
        raise ValueError("it is empty.")


def _text(value: str) -> str:
    """A value without the space around it, empty where spreadsheets write that there is none."""
    text = value.strip()
    return "" if text.casefold() in ABSENT else text


def _present(values: list[str], what: str) -> None:
    wrong = [f"row {row}" for row, value in enumerate(values, start=2) if not value]
    _survey.refuse(wrong, what, "Every image needs one.")


def _allowed(values: list[str], allowed: Collection[str], what: str) -> None:
    """Refuse values outside `allowed`, each with the nearest one that is."""
    wrong = Counter(value for value in values if value not in allowed)
    names = [name for name in allowed if name]
    lines = [f"found {value!r} in {count} rows. {nearest(value, names)}" for value, count in sorted(wrong.items())]
    _survey.refuse(lines, what)


def _check_paths(paths: list[str], root: Path, where: Path) -> None:
    """Refuse rows without a path, a path that stands twice, leaves the root, or leads to no file."""
    _present(paths, f"{where}: rows without a path")
    twice = [path for path, count in Counter(paths).items() if count > 1]
    _survey.refuse(twice, f"{where}: paths that stand in several rows", "Every image has one row.")
    inside, outside, missing = root.resolve(), [], []
    files = cache(lambda folder: _files(folder, inside))  # images are many, their folders few
    for path in paths:
        place = _survey.place(root, path)
        folder, _, name = place.rpartition("/")
        if name in files(folder):
            continue
        real = Path(place).resolve()
        if not real.is_relative_to(inside):
            outside.append(path)
        elif not real.is_file():
            missing.append(path)
    _survey.refuse(outside, f"{where}: paths that leave {root}", "Put the images under the root.")
    _survey.refuse(missing, f"{where}: files that are not there")


def _files(folder: str, inside: Path) -> frozenset[str]:
    """Names of the files of a folder that are no links; none where the folder is not there or leads outside."""
    if not Path(folder).resolve().is_relative_to(inside):
        return frozenset()
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except OSError:
        return frozenset()
