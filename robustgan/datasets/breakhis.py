"""BreakHis: 7,909 breast tumour images of 82 slides at 40X, 100X, 200X and 400X, from the official tree."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd

from robustgan import facts, tables
from robustgan.datasets import _survey
from robustgan.errors import InputError
from robustgan.interfaces import Dataset
from robustgan.journal import Tick

SUBTYPES = {
    "A": ("benign", "adenosis"),
    "F": ("benign", "fibroadenoma"),
    "PT": ("benign", "phyllodes_tumor"),
    "TA": ("benign", "tubular_adenoma"),
    "DC": ("malignant", "ductal_carcinoma"),
    "LC": ("malignant", "lobular_carcinoma"),
    "MC": ("malignant", "mucinous_carcinoma"),
    "PC": ("malignant", "papillary_carcinoma"),
}
MAGNIFICATIONS = (40, 100, 200, 400)
SIDES = ("benign", "malignant")
NAME = re.compile(
    r"SOB_(?P<side>B|M)_(?P<type>A|F|PT|TA|DC|LC|MC|PC)-(?P<year>\d\d)-(?P<number>\d+)(?P<block>[A-Z]*)"
    r"-(?P<magnification>40|100|200|400)-(?P<sequence>\d{3})\.png",
    re.ASCII,
)
PLACES = ("", "BreaKHis_v1", "BreaKHis_v1/BreaKHis_v1")  # the archive; the copy on Kaggle nests twice
INSIDE = ("histology_slides/breast", "breast", "")
SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave behind; no data
PARTIAL = "A copy that is incomplete on purpose needs `partial: true` (`--partial`)."


class Breakhis(Dataset):
    """The official tree, as published, as it comes from Kaggle, or a part of it."""

    root: str = "breakhis"  # folder under the user's data folder, or an absolute path
    partial: bool = False  # accept a copy that does not hold all 7,909 images

    @property
    def source(self) -> str:
        """The paper that the authors of the images ask to cite."""
        return (
            "BreakHis: F. A. Spanhol, L. S. Oliveira, C. Petitjean, L. Heutte, A Dataset for Breast Cancer "
            "Histopathological Image Classification, IEEE Transactions on Biomedical Engineering "
            "63(7):1455-1462, 2016, doi 10.1109/TBME.2015.2496264. Licence CC BY 4.0 as reported by "
            "kaiko-ai/eva; not confirmed with the authors."
        )

    def locate(self, data: Path, folder: Path) -> Path:
        """The folder that holds the tree.

        Raises:
            InputError: there is no such folder.
        """
        root = data / self.root
        if not root.is_dir():
            raise InputError(
                f"dataset.root: no folder {root}. `robustgan data fetch breakhis {root}` downloads "
                "BreakHis there (4 GB)."
            )
        return root

    def fingerprint(self, root: Path) -> str:
        """sha256 over names and bytes of all files of the tree."""
        return _survey.fingerprint(root, list_files(root))

    def manifest(self, root: Path, tick: Tick) -> pd.DataFrame:
        """List every image."""
        return scan(root, self.partial, tick)


def scan(root: Path, partial: bool, tick: Tick) -> pd.DataFrame:
    """List every image of a BreakHis tree as a MANIFEST table, ordered by path.

    The group is the specimen accession `<year>-<digits>`, the slide adds the block letters. An image that is
    there twice (slide 14-13412 stands in two subtypes) keeps its rows, and the later one gets a finding.

    Raises:
        InputError: no tree, or several; a name that does not parse, a file in the wrong folder, a file that
            is no usable image, one image under both labels, one class only; and, in a complete copy, counts
            that differ from the published ones. The message lists the offenders.
    """
    paths = list_files(root)
    if not paths:
        raise InputError(f"{root}: the BreakHis tree holds no image.")
    breast = breast_folder(root).relative_to(root).as_posix()
    inner = [path.removeprefix(f"{breast}/") for path in paths]
    check_names(inner)
    check_places(inner)
    rows = pd.DataFrame([parse(path.rpartition("/")[2]) for path in inner]).assign(path=paths)
    check_counts(rows, partial, root)
    rows = pd.concat([rows, _survey.survey(root, paths, tick)], axis=1)
    both = rows.loc[_survey.contradictions(rows), "path"].tolist()
    _survey.refuse(both, f"{root}: one image stands under both labels", "Remove the copies whose label is wrong.")
    _survey.require_both_classes(rows["label"], root)
    rows["finding"] = _survey.twins(rows)
    return tables.check(rows.drop(columns=["type", "pixels"]).assign(given_split=""), tables.MANIFEST, str(root))


# ------------------------------------------------------------------------------------------- names and places


def parse(name: str) -> dict[str, str | int]:
    """What the name of an image file says: type, subtype, label, group, slide, magnification.

    Raises:
        InputError: the name does not follow the grammar of BreakHis, or its side is not that of its type.
    """
    match = NAME.fullmatch(name)
    if match is None or SUBTYPES[match["type"]][0][0].upper() != match["side"]:
        raise InputError(f"{name}: expected a name like SOB_M_DC-14-2523-100-001.png.")
    side, subtype = SUBTYPES[match["type"]]
    accession = f"{match['year']}-{match['number']}"
    return {
        "type": match["type"],
        "subtype": subtype,
        "label": int(side == "malignant"),
        "group": accession,
        "slide": accession + match["block"],
        "magnification": int(match["magnification"]),
    }


def place_of(name: str) -> str:
    """Path of an image below `breast/`; folder names have an underscore where file names have a hyphen."""
    said = parse(name)
    side, subtype = SUBTYPES[str(said["type"])]
    folder = f"SOB_{side[0].upper()}_{said['type']}_{said['slide']}"
    return f"{side}/SOB/{subtype}/{folder}/{said['magnification']}X/{name}"


def check_names(paths: list[str]) -> None:
    """Refuse files whose names do not parse, and stray files."""
    wrong = []
    for path in paths:
        try:
            parse(path.rpartition("/")[2])
        except InputError:
            wrong.append(path)
    _survey.refuse(wrong, "files that are not named like BreakHis images (SOB_M_DC-14-2523-100-001.png)")


def check_places(paths: list[str]) -> None:
    """Refuse files that lie in another folder than their name says."""
    moved = [f"{path}: its name belongs at {place_of(path.rpartition('/')[2])}" for path in paths]
    moved = [line for line, path in zip(moved, paths, strict=True) if place_of(path.rpartition("/")[2]) != path]
    _survey.refuse(moved, "files in the wrong folder")


def check_counts(rows: pd.DataFrame, partial: bool, root: Path) -> None:
    """Hold the number of images of every slide and magnification against the published ones.

    A partial copy may hold fewer images, and slides that BreakHis does not know (simulated ones), but no
    known slide may have more images than were published.
    """
    long = facts.breakhis().melt(["type", "slide"], [f"n{x}" for x in MAGNIFICATIONS], "column", "images")
    long["magnification"] = long["column"].str[1:].astype("int64")
    known = long.set_index(["type", "slide", "magnification"])["images"].sort_index()
    found = rows.groupby(["type", "slide", "magnification"]).size()
    published, here = known.align(found, fill_value=0)
    differs = (here > published) & (published > 0) if partial else here != published
    cells = pd.DataFrame({"here": here, "published": published})[differs].astype(int).reset_index()
    lines = [
        f"{cell.type} {cell.slide} {cell.magnification}X: found {cell.here}, published {cell.published}"
        for cell in cells.itertuples()
    ]
    _survey.refuse(lines, f"{root}: counts that differ from the published ones", "" if partial else PARTIAL)


# --------------------------------------------------------------------------------------------------- the tree


def breast_folder(root: Path) -> Path:
    """The folder that holds `benign` and `malignant`, in whichever way the copy was unpacked.

    Raises:
        InputError: there is none, or there are two.
    """
    places = [root / place / inside for place in PLACES for inside in INSIDE]
    found = [place for place in places if (place / "benign").is_dir() or (place / "malignant").is_dir()]
    if not found:
        raise InputError(
            f"{root}: no BreakHis tree; expected the folders `benign` and `malignant` in "
            f"{root}/BreaKHis_v1/histology_slides/breast."
        )
    if len(found) > 1:
        raise InputError(
            f"{root}: found several BreakHis trees: {', '.join(map(str, found))}. Name one of them as `root`."
        )
    return found[0]


def list_files(root: Path) -> list[str]:
    """Every file below `benign` and `malignant`, relative to `root`, sorted.

    Raises:
        InputError: a link that leaves the root or leads to a folder.
    """
    breast, inside = breast_folder(root), root.resolve()
    files: list[Path] = []
    links = [breast / side for side in SIDES if not (breast / side).resolve().is_relative_to(inside)]
    for side in SIDES:
        for place, folders, names in os.walk(breast / side):
            links += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
            files += [Path(place, name) for name in names if name not in SYSTEM and not name.startswith("._")]
    links += [path for path in files if path.is_symlink() and not path.resolve().is_relative_to(inside)]
    _survey.refuse(sorted(map(str, links)), f"{root}: links to folders, or out of the root", "Copy the files instead.")
    return sorted(path.relative_to(root).as_posix() for path in files)
