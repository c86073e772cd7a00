"""folder: any images with a CSV manifest that names path, label and patient, with columns of any name."""

from __future__ import annotations

import re
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
        rows = self._table(root)
        rows = pd.concat([rows, _survey.survey(root, rows["path"].tolist(), tick)], axis=1)
        both = "the same image stands under both labels"
        rows["finding"] = _survey.twins(rows).mask(_survey.contradictions(rows), both)
        _survey.require_both_classes(rows.loc[rows["finding"] == "", "label"], root)
        return tables.check(rows.drop(columns="pixels"), tables.MANIFEST, str(root))

    def _table(self, root: Path) -> pd.DataFrame:
        """The manifest with our column names, every value checked but no image opened."""
        where, raw = root / self.csv, _read(root / self.csv)
        missing = [f"no column `{name}`. {nearest(name, map(str, raw))}" for name in self._used() if name not in raw]
        advice = "Say which column holds what: `columns: {path: ..., label: ..., group: the patient}`"
        _survey.refuse(missing, f"{where}: columns", f"{advice} (`robustgan audit`: --columns group=patient_id).")
        rows = pd.DataFrame({key: raw[name] if name else "" for key, name in self.columns})
        rows["label"] = self._labels(rows["label"], where)
        rows["magnification"] = self._magnifications(rows["magnification"], where)
        _present(rows["group"], f"{where}: rows without a patient (column `{self.columns.group}`)")
        _allowed(rows["split"], SPLITS, f"{where}: column `{self.columns.split}`")
        rows["slide"] = rows["slide"].where(rows["slide"] != "", rows["group"])
        _check_paths(rows["path"], root, where)
        return rows.rename(columns={"split": "given_split"})

    def _used(self) -> list[str]:
        """Columns that the manifest must have; a file may not do without path, label and group."""
        needed = {key: name for key, name in self.columns if name or key in ("path", "label", "group")}
        return list(needed.values())

    def _labels(self, values: pd.Series, where: Path) -> pd.Series:
        _allowed(values, self.labels, f"{where}: column `{self.columns.label}` (set `labels`)")
        return values.map(dict(self.labels)).astype("int64")

    def _magnifications(self, values: pd.Series, where: Path) -> pd.Series:
        if not self.columns.magnification:
            return pd.Series(self.magnification, index=values.index)
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
        return values.str.rstrip("xX").astype("int64")


def _read(path: Path) -> pd.DataFrame:
    """The CSV file as text, absent values empty."""
    try:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file. The data set needs a CSV table with a row an image: its path, label and patient. "
            "Name it with `csv` (`robustgan audit`: --table)."
        ) from None
    except (OSError, ValueError) as error:  # pandas' own errors and UnicodeDecodeError are ValueErrors
        raise InputError(f"{path}: cannot be read as CSV: {error}") from None
    if raw.empty:
        raise InputError(f"{path}: the manifest lists no image.")
    for name, column in raw.items():
        text = column.str.strip()
        raw[name] = text.mask(text.str.casefold().isin(ABSENT), "")
    return raw


def _present(values: pd.Series, what: str) -> None:
    _survey.refuse([f"row {i + 2}" for i in values.index[values == ""]], what, "Every image needs one.")


def _allowed(values: pd.Series, allowed: Any, what: str) -> None:
    """Refuse values outside `allowed`, each with the nearest one that is."""
    wrong = values[~values.isin(list(allowed))]
    names = [name for name in allowed if name]
    lines = [
        f"found {value!r} in {(wrong == value).sum()} rows. {nearest(value, names)}" for value in sorted(set(wrong))
    ]
    _survey.refuse(lines, what)


def _check_paths(paths: pd.Series, root: Path, where: Path) -> None:
    """Refuse rows without a path, a path that stands twice, leaves the root, or leads to no file."""
    _present(paths, f"{where}: rows without a path")
    twice = paths[paths.duplicated()].unique().tolist()
    _survey.refuse(twice, f"{where}: paths that stand in several rows", "Every image has one row.")
    inside, outside, missing = root.resolve(), [], []
    for path in paths:
        place = (root / path).resolve()
        if not place.is_relative_to(inside):
            outside.append(path)
        elif not place.is_file():
            missing.append(path)
    _survey.refuse(outside, f"{where}: paths that leave {root}", "Put the images under the root.")
    _survey.refuse(missing, f"{where}: files that are not there")
