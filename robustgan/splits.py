"""Which patients train, validate and test: named protocols, and the proof that no patient is on two sides.

A patient is a `group` of the manifest; for BreakHis that is the specimen accession. Every protocol is
deterministic: the same manifest, rule and fold give the same sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from robustgan import facts, tables
from robustgan.errors import InputError, nearest
from robustgan.strata import partition, validation

SIDES = ("train", "val", "test", "excluded")
CODES = {  # subtype in a manifest -> code in the facts
    "adenosis": "A",
    "fibroadenoma": "F",
    "phyllodes_tumor": "PT",
    "tubular_adenoma": "TA",
    "ductal_carcinoma": "DC",
    "lobular_carcinoma": "LC",
    "mucinous_carcinoma": "MC",
    "papillary_carcinoma": "PC",
}


IDENTITIES = {"group": ["group"], "slide": ["group", "slide"], "image": ["image_id"]}  # what may not straddle


@runtime_checkable
class Rule(Protocol):
    """What a config says about the split (`experiment.Split`)."""

    @property
    def protocol(self) -> str:
        """Name of the protocol."""

    @property
    def validation(self) -> float:
        """Share of the training patients that choose when to stop."""

    @property
    def training(self) -> float:
        """Share of the patients that train, in the protocol `audit`."""

    @property
    def seed(self) -> int:
        """Chooses the validation patients."""

    @property
    def leak(self) -> bool:
        """A patient may stand on two sides."""


def protocols() -> dict[str, str]:
    """Every protocol with what it does."""
    official = "BreakHis: official fold"
    return {
        "accession-cv5": "five folds by patient, each tests once; frozen for all of BreakHis (also cv2-10)",
        **{f"official-{n}": f"{official} {n}, literal; specimens straddle: needs leak" for n in range(1, 6)},
        **{f"official-clean-{n}": f"{official} {n}, its test specimens out of train" for n in range(1, 6)},
        "audit": "nothing is trained: patients validate (split.validation) or test; split.training: for generators",
        "given": "the sides that the manifest itself gives, which may not share a patient",
        "random-image": "five folds by image, whatever the patient; only to show a leak: needs leak",
    }


def assign(manifest: pd.DataFrame, split: Rule, fold: int) -> pd.DataFrame:
    """Return the manifest with `fold` and `split` (a FOLDS table).

    Rows with a finding are `excluded`. Where a protocol gives no validation side, it is carved out of train
    by patient.

    Raises:
        InputError: an unknown protocol or fold, too few patients of a class, or a patient on two sides
            without `leak`.
    """
    make, number, count = _protocol(split.protocol)
    if not 1 <= fold <= count:
        raise InputError(f"split.folds: {split.protocol} has the folds 1 to {count}, found {fold}.")
    usable = manifest[manifest["finding"] == ""]
    sides = make(usable, number or fold, count, split)
    if not (sides == "val").any():
        unit = "image_id" if make is _random_image else "group"
        train = usable[sides == "train"].assign(unit=usable[unit])
        chosen = validation(train, split.validation, (split.seed, fold))
        sides = sides.mask((sides == "train") & usable[unit].isin(chosen), "val")
    frame = manifest.assign(fold=fold, split=sides.reindex(manifest.index, fill_value="excluded"))
    apart = (frame["split"] == "excluded") & (frame["finding"] == "")
    frame["finding"] = frame["finding"].mask(apart, f"its specimen tests in {split.protocol}")
    folds = tables.check(frame, tables.FOLDS, "folds")
    _require_classes(folds, split.protocol)
    check_disjoint(folds, split.leak)
    return folds


def check_disjoint(folds: pd.DataFrame, leak: bool) -> None:
    """Prove that no patient, slide or image stands on two sides of a fold (unless `leak` allows it).

    Raises:
        InputError: a side that is none, or something stands on two sides; the message names it.
    """
    unknown = sorted(set(folds["split"]) - set(SIDES))
    if unknown:
        raise InputError(f"split: found `{unknown[0]}`. {nearest(unknown[0], SIDES)}")
    if leak:
        return
    used = folds[folds["split"] != "excluded"]
    for identity, columns in IDENTITIES.items():
        sides = used.groupby(["fold", *columns])["split"].nunique()
        both = sides[sides > 1].index.get_level_values(-1).unique().tolist()
        if both:
            names = ", ".join(both[:10]) + (", ..." if len(both) > 10 else "")
            raise InputError(
                f"split: {len(both)} {identity}s stand on two sides of a fold: {names}. Use a protocol that "
                "keeps patients apart (for official-N: official-clean-N, with the same test images), or set "
                "split.leak to true to accept results that are too good."
            )


def leaks(folds: pd.DataFrame) -> pd.DataFrame:
    """Count validation and test images whose patient, slide or image is in train as well (a LEAKS table)."""
    rows = []
    for fold, part in folds.groupby("fold"):
        train = part[part["split"] == "train"]
        for identity, columns in IDENTITIES.items():
            seen = pd.MultiIndex.from_frame(train[columns])
            for side in ("val", "test"):
                held = pd.MultiIndex.from_frame(part.loc[part["split"] == side, columns])
                rows.append((fold, identity, side, len(held), int(held.isin(seen).sum())))
    return tables.check(pd.DataFrame(rows, columns=list(tables.LEAKS)), tables.LEAKS, "leaks")


# -------------------------------------------------------------------------------------------------- protocols


def _by_patient(rows: pd.DataFrame, fold: int, count: int, split: Rule) -> pd.Series:
    """Test one fold of a partition of the patients.

    The partition is the frozen one of the facts where the manifest holds exactly the 70 accessions of
    BreakHis and five folds are asked for; everywhere else it is dealt anew, because the frozen one would
    leave folds of a partial copy without a class.
    """
    known = facts.breakhis().drop_duplicates("accession").set_index("accession")["fold"]
    frozen = count == 5 and set(rows["group"]) == set(known.index)
    folds = known if frozen else partition(rows, count)
    return _sides(rows["group"].map(folds) == fold)


def _official(rows: pd.DataFrame, fold: int, count: int, split: Rule) -> pd.Series:
    """The authors' fold, to the letter."""
    known = facts.breakhis().set_index(["type", "slide"])[f"official_{fold}"]
    keys = pd.MultiIndex.from_arrays([rows["subtype"].map(CODES), rows["slide"]])
    strange = sorted(set(rows["slide"][~keys.isin(known.index)]))
    if strange:
        raise InputError(f"split.protocol: {split.protocol} knows the slides of BreakHis only, found {strange[0]}.")
    return _sides(pd.Series(known.reindex(keys).to_numpy() == 1, index=rows.index))


def _official_clean(rows: pd.DataFrame, fold: int, count: int, split: Rule) -> pd.Series:
    """The authors' test images; training images of the same specimens are set apart."""
    sides = _official(rows, fold, count, split)
    tested = rows["group"].isin(rows.loc[sides == "test", "group"])
    return sides.mask(tested & (sides == "train"), "excluded")


def _given(rows: pd.DataFrame, fold: int, count: int, split: Rule) -> pd.Series:
    """The sides that the data set gives."""
    unsaid = rows["given_split"] == ""
    if unsaid.any():
        raise InputError(
            f"split.protocol: given, but {unsaid.sum()} of {len(rows)} images have no side in the manifest."
        )
    return rows["given_split"]


def _audit(rows: pd.DataFrame, fold: int, count: int, split: Rule) -> pd.Series:
    """Patients that choose the operating point, patients that generators learn from (where wanted), and the others."""
    units = rows.assign(unit=rows["group"])
    chosen = validation(units, split.validation, (split.seed, fold))
    sides = rows["group"].isin(chosen).map({True: "val", False: "test"})
    if split.training:
        share = split.training / (1 - split.validation)
        learn = validation(units[sides == "test"], share, (split.seed, fold))
        sides = sides.mask(rows["group"].isin(learn), "train")
    return sides


def _random_image(rows: pd.DataFrame, fold: int, count: int, split: Rule) -> pd.Series:
    """A fold of the images, stratified by class, blind to patients."""
    if not split.leak:
        raise InputError(
            "split.protocol: random-image puts images of one patient on both sides, which makes results too "
            "good. Use accession-cv5, or set split.leak to true to show the leak."
        )
    rng = np.random.default_rng(split.seed % 2**63)
    order = pd.Series(rng.permutation(len(rows)), index=rows.sort_values("image_id").index)
    rank = order.groupby(rows["label"]).rank(method="first").astype(int)
    return _sides((rank % count == fold - 1).reindex(rows.index))


def _sides(test: pd.Series) -> pd.Series:
    return test.map({True: "test", False: "train"})


Make = Callable[[pd.DataFrame, int, int, Rule], pd.Series]
MAKERS: dict[str, tuple[Make, int]] = {  # pattern of the name -> how it is made, and its folds (0: in the name)
    r"accession-cv(?P<count>10|[2-9])": (_by_patient, 0),
    r"official-(?P<fold>[1-5])": (_official, 1),
    r"official-clean-(?P<fold>[1-5])": (_official_clean, 1),
    r"audit": (_audit, 1),
    r"given": (_given, 1),
    r"random-image": (_random_image, 5),
}


def _protocol(name: str) -> tuple[Make, int, int]:
    """How a protocol is made, the fold that its name fixes (0: none), and how many folds it has."""
    for pattern, (make, count) in MAKERS.items():
        match = re.fullmatch(pattern, name)
        if match:
            said = match.groupdict()
            return make, int(said.get("fold", 0)), int(said.get("count", count))
    raise InputError(f"split.protocol: no protocol `{name}`. {nearest(name, protocols())}")


def _require_classes(folds: pd.DataFrame, protocol: str) -> None:
    """Refuse sides that nothing can be learned or said from; a test side of others may have one class."""
    for side in ("train", "val", "test"):
        if side == "train" and protocol == "audit":
            continue
        labels = set(folds.loc[folds["split"] == side, "label"])
        if len(labels) == 2 or (side == "test" and labels and not protocol.startswith(("accession", "audit"))):
            continue
        benign, malignant = (folds.loc[folds["label"] == label, "group"].nunique() for label in (0, 1))
        found = "no images" if not labels else f"{('benign', 'malignant')[labels.pop()]} images only"
        raise InputError(
            f"split: the side `{side}` of {protocol}, fold {folds['fold'].iloc[0]}, has {found}. There are "
            f"{benign} patients with benign and {malignant} with malignant images. Use fewer folds "
            "(accession-cv2 to accession-cv10), or more patients."
        )
