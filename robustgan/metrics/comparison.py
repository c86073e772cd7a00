"""Two runs, or two models, on the same images: which one is right more often, and is that more than chance?

Each image is its own control, so the difference is far surer than the intervals of two separate runs suggest.
Only images and attacks that both have are compared; what only one has is counted, so that nothing drops out unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from robustgan.errors import InputError
from robustgan.metrics.cells import ALL, cells, cohort_of, named, ordered, refuse_repeats
from robustgan.metrics.definitions import SHARES
from robustgan.metrics.ensemble import CLEAN, WORST, worst_case
from robustgan.metrics.estimates import Estimate, share
from robustgan.statistics import holm
from robustgan.tables import COMPARISON, PREDICTIONS, check

ITSELF = "itself"  # stands for `source` where the attack saw the classifier that is judged

_CASE = ["source", "attack", "norm", "eps", "seed"]
_PAIR = ["model", "other", *_CASE]
_FAMILY = ["model", "other", "metric", "seed"]  # tests within one of these are corrected for their number
_FACTS = ["group", "label", "magnification"]  # of an image: must be the same in both


class Pair(NamedTuple):
    """The model in the first run, and the one in the second that it is compared with."""

    model: str
    other: str


def compare(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """COMPARISON of two PREDICTIONS tables: second less first, image by image, at each magnification and pooled.

    A model that both have is compared with itself; where neither name is shared and each table has one model,
    those two are compared. `clean` and `worst-case` (over the attacks that both have) are added. An attack that
    only one has stands there with 0 images and a note that says which one it is. The interval is clustered by patient
    as that of a drop is; the test is the sign-flip test over patients, corrected over attacks and magnifications.

    Raises:
        InputError: nothing can be compared, or the tables disagree about an image.
    """
    tables = [check(table, PREDICTIONS, name) for table, name in ((first, "first run"), (second, "second run"))]
    for table in tables:
        refuse_repeats(table)
    rows: list[dict[str, object]] = []
    shared = []
    for pair in pairs(*tables):
        one, two = common(*(table[table["model"] == name] for table, name in zip(tables, pair, strict=True)))
        both = matched(one, two).assign(model=pair.model, other=pair.other)
        shared.append(both)
        rows += [row for part in cells(both) if part[1] == ALL for row in measure(*part)]
    frame = corrected(pd.DataFrame(rows))
    frame = named(frame, pd.concat(shared, ignore_index=True))
    return ordered(check(frame, COMPARISON, "comparison"), [*_PAIR, "magnification", "metric"])


def pairs(first: pd.DataFrame, second: pd.DataFrame) -> list[Pair]:
    """Which model is compared with which."""
    here, there = (sorted(table["model"].unique()) for table in (first, second))
    same = [Pair(name, name) for name in here if name in there]
    if same:
        return same
    if len(here) == len(there) == 1:
        return [Pair(here[0], there[0])]
    raise InputError(
        f"Nothing to compare: the first run has models {listed(here)}, the second {listed(there)}. Give runs that "
        "share a model's name, or the rows of one model each."
    )


def common(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both, with `clean`, and `worst-case` over the attacks that both have."""
    tables = [complete(table) for table in (first, second)]
    keys = [set(table[_CASE].fillna(-1.0).itertuples(index=False, name=None)) for table in tables]
    shared = keys[0] & keys[1]
    kept = [
        table[[key in shared for key in table[_CASE].fillna(-1.0).itertuples(index=False, name=None)]]
        for table in tables
    ]
    if not any(case[1] != CLEAN for case in shared) and any(case[1] != CLEAN for case in keys[0] | keys[1]):
        lists = [listed(sorted({title(case) for case in key if case[1] != CLEAN})) for key in keys]
        raise InputError(
            f"No attack is in both runs: the first has {lists[0]}; the second has {lists[1]}. Attacks are the same "
            "where name, norm, eps, seed and the attacked classifier are."
        )
    one, two = (
        pd.concat([table, worst_case(part)], ignore_index=True) for table, part in zip(tables, kept, strict=True)
    )
    return one, two


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one model with those of its original images, and `source` as a role and not as a name."""
    rows = rows.assign(source=rows["source"].where(rows["source"] != rows["model"], ITSELF))
    images = rows.drop_duplicates("image_id")
    clean = images.assign(
        source=ITSELF, attack=CLEAN, norm="unrestricted", eps=np.nan, seed=0, pred=images["clean_pred"]
    )
    attacked = rows[~rows["attack"].isin([CLEAN, WORST])]
    return pd.concat([attacked, clean.assign(score=clean["clean_score"])], ignore_index=True)


def matched(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """One row an attack and image that either has; `right` in the first and in the second, where it is in both.

    Raises:
        InputError: no image is in both, or one has another patient, label or magnification there.
    """
    columns = [*_CASE, "image_id", *_FACTS, "subtype", "score", "pred"]
    both = first[columns].merge(
        second[columns], on=[*_CASE, "image_id"], how="outer", suffixes=("", "_2"), indicator="where"
    )
    there = both["where"] == "both"
    if not there.any():
        raise InputError(
            f"No image is in both runs: the first has {first['image_id'].nunique()} images, the second "
            f"{second['image_id'].nunique()}, and no image_id (sha256 of the file) is shared. Compare runs on the "
            "same data and split."
        )
    for fact in _FACTS:
        differs = both[there & (both[fact] != both[f"{fact}_2"])]
        if len(differs):
            row = differs.iloc[0]
            raise InputError(
                f"The runs disagree about image {row['image_id'][:12]}: {fact} {row[fact]} in the first, "
                f"{row[f'{fact}_2']} in the second. Compare runs on the same manifest."
            )
    facts = {name: both[name].where(both[name].notna(), both[f"{name}_2"]) for name in [*_FACTS, "subtype"]}
    return both.assign(**facts).astype({"label": int, "magnification": int})


def measure(magnification: str, _: str, frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The rows of one cell, for every attack."""
    for identity, rows in frame.groupby(_PAIR, dropna=False):
        images = rows[rows["where"] == "both"].sort_values("image_id")
        alone = {
            f"{name}_only": rows["where"] == side for name, side in (("first", "left_only"), ("second", "right_only"))
        }
        note = lacking(rows["where"])
        cohort = cohort_of(images.assign(clean_pred=images["pred"], clean_score=images["score"]))
        right = (images["pred_2"] == images["label"]).to_numpy(dtype=bool)
        of = {"accuracy": rows["label"] >= 0, "sensitivity": rows["label"] == 1, "specificity": rows["label"] == 0}
        for metric, counted in of.items():
            yield {
                **dict(zip(_PAIR, identity, strict=True)),
                "magnification": magnification,
                "metric": metric,
                **numbers(share(cohort, SHARES[metric].counted(cohort), right)),
                **{name: int((mask & counted).sum()) for name, mask in alone.items()},
                **({"note": note} if note else {}),
            }


def lacking(where: pd.Series) -> str:
    """What to say of an attack that one of the runs lacks; empty where both have images of it."""
    sides = {"left_only": "the first run", "right_only": "the second run"}
    there = [told for side, told in sides.items() if (where == side).any()]
    if (where == "both").any() or not there:
        return ""
    return f"only in {there[0]}" if len(there) == 1 else "no image is in both runs"


def numbers(found: Estimate) -> dict[str, object]:
    """COMPARISON columns of an estimate whose `clean` is the first run and whose `attacked` is the second."""
    return {
        "first": found.clean.value,
        "first_low": found.clean.ends.low,
        "first_high": found.clean.ends.high,
        "second": found.attacked.value,
        "second_low": found.attacked.ends.low,
        "second_high": found.attacked.ends.high,
        "difference": found.attacked.value - found.clean.value,
        "low": -found.drop.ends.high,
        "high": -found.drop.ends.low,
        "p": found.p,
        "p_durkalski": found.durkalski,
        "images": found.images,
        "groups": found.groups,
        "note": found.note,
    }


def corrected(rows: pd.DataFrame) -> pd.DataFrame:
    """Holm's correction over attacks and magnifications."""
    rows["p_holm"] = rows.groupby(_FAMILY)["p"].transform(lambda p: holm(p.to_numpy(dtype=float)))
    return rows


def title(case: tuple[object, ...]) -> str:
    """An attack, in words."""
    source, attack, norm, eps, seed = case
    made = "" if source == ITSELF else f" made on {source}"
    budget = "" if eps == -1.0 else f" {norm} eps {eps:.4g}"
    return f"{attack}{made}{budget} seed {seed}"


def listed(names: list[str]) -> str:
    """Names for a message; not all of very many."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") if names else "none"
