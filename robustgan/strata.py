"""Patients dealt fairly: into folds, and into a validation side.

A patient may have images of both classes (patches of a slide), so patients are not stratified by class but by
their share of malignant images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from robustgan.errors import InputError

DRAWS = 200  # candidate validation sides; the one nearest to the wanted share is taken
QUARTERS = 4  # strata of patients with images of both classes, where there are enough of them


def partition(rows: pd.DataFrame, count: int) -> pd.Series:
    """Deal the patients into `count` folds; return the fold (from 1) of every group.

    Balances the number of patients of each stratum first, of each subtype second (dealt blindly, a fold may test
    on subtypes that nobody trained on) and the number of images third: balanced on images alone, a fold of
    BreakHis is left with one benign accession. Large patients are dealt first.
    """
    groups = rows.groupby("group")
    strata, sizes, subtypes = strata_of(rows, "group"), groups.size(), groups["subtype"].min()
    patients: Counter[tuple[object, ...]] = Counter()  # of each fold and stratum, and of each subtype in them
    images = [0] * count
    folds = {}
    for group in sorted(strata.index, key=lambda group: (strata[group], -sizes[group], group)):
        kinds = (strata[group],), (strata[group], subtypes[group])
        fold = min(range(count), key=lambda one: (*(patients[one, *kind] for kind in kinds), images[one], one))
        patients.update((fold, *kind) for kind in kinds)
        images[fold] += sizes[group]
        folds[group] = fold + 1
    return pd.Series(folds)


def strata_of(rows: pd.DataFrame, unit: str) -> pd.Series:
    """Stratum of every unit: 0 benign only, 1 malignant only, from 2 on mixed, by the malignant share."""
    share = rows.groupby(unit)["label"].mean()
    mixed = share[(share > 0) & (share < 1)]
    parts = min(max(len(mixed) // 4, 1), QUARTERS)
    part = 2 + (mixed.rank(method="first") - 1) * parts // max(len(mixed), 1)
    return share.where(share.isin([0, 1]), part.reindex(share.index)).astype(int)


def validation(train: pd.DataFrame, share: float, seeds: tuple[int, int]) -> set[str]:
    """Choose the units (column `unit`) that validate: a share of each stratum, at least one where it has two.

    Of `DRAWS` random choices the one is taken whose images come nearest to that share in every subtype x
    magnification, with both classes on both sides.

    Raises:
        InputError: a class has fewer than two units.
    """
    benign, ill = (train.loc[train["label"] == label, "unit"].nunique() for label in (0, 1))
    if min(benign, ill) < 2:  # with two of each there is always a choice that leaves both classes on both sides
        raise InputError(
            f"split: no validation side can be carved: outside the test side {benign} patients have benign "
            f"and {ill} have malignant images; each class needs two. Use fewer folds, or more patients."
        )
    cells = pd.crosstab(train["unit"], [train["label"], train["subtype"], train["magnification"]])
    images, malignant = cells.to_numpy(), cells.columns.get_level_values(0).to_numpy() == 1
    best, chosen = np.inf, np.zeros(len(cells), bool)
    for inside in _candidates(train, cells.index, share, seeds):
        both = all(images[side][:, kind].sum() for side in (inside, ~inside) for kind in (malignant, ~malignant))
        off = float(np.abs(images[inside].sum(0) / images.sum(0) - share).sum())
        if both and off < best:
            best, chosen = off, inside
    return set(cells.index[chosen])


def _candidates(train: pd.DataFrame, units: pd.Index, share: float, seeds: tuple[int, int]) -> Iterator[np.ndarray]:
    """Masks over `units`: draws within the strata, then (for very few patients) without them."""
    rng = np.random.default_rng([seed % 2**63 for seed in seeds])
    strata = strata_of(train, "unit").reindex(units).to_numpy()
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    for pools in (members, [np.arange(len(units))]):
        for _ in range(DRAWS):
            inside = np.zeros(len(units), bool)
            for pool in pools:
                quota = min(max(round(len(pool) * share), 1), len(pool) - 1)
                inside[rng.permutation(pool)[:quota]] = True
            yield inside
