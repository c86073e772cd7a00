"""Gates on the test set: enough patients, and none of them known from training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field

from robustgan.gates.clean import Places
from robustgan.gates.evidence import Run
from robustgan.gates.gate import Case, Gate
from robustgan.gates.rows import Row
from robustgan.metrics.cells import POOLED, magnified


class PatientsGate(Gate):
    """How many patients of the rarer class were tested."""

    kind: Literal["patients"]
    limit: Annotated[int, Field(ge=1)]  # at least so many patients with benign images, and so many with malignant ones
    magnification: Places = "pooled"

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model and magnification."""
        tested = case.run.predictions
        for model in self.judged(case.run):
            images = tested[tested["model"] == model].drop_duplicates("image_id")
            if images.empty:
                yield self.unknown(model, self.magnification, "no image of this model was judged")
                continue
            if self.magnification == "pooled":
                yield self._row(model, POOLED, images)
                continue
            for where, part in images.groupby("magnification"):
                yield self._row(model, magnified(where), part)

    def _row(self, model: str, scope: str, images: pd.DataFrame) -> Row:
        counts = [int(images.loc[images["label"] == label, "group"].nunique()) for label in (0, 1)]
        said = f"{counts[0]} patients have benign, {counts[1]} malignant images; at least {self.limit} each are needed"
        numbers = {"observed": float(min(counts)), "limit": float(self.limit)}
        sizes = {"images": len(images), "groups": int(images["group"].nunique())}
        return self.exact(model, scope, min(counts) >= self.limit, said, **numbers, **sizes)


class LeakFreeGate(Gate):
    """No test image shares its patient, slide or bytes with training, and only test images were judged."""

    kind: Literal["leak_free"]

    def rows(self, case: Case) -> Iterator[Row]:
        """One row: the run's own audit, the same found again from the split, and what was judged."""
        run = case.run
        if run.leaks is None or run.folds is None or run.leaks.empty or run.folds.empty:
            yield self.unknown("", "", "the run has no leak audit (evidence/leaks.csv, evidence/manifest.parquet)")
            return
        audited = int(run.leaks.loc[run.leaks["split"] == "test", "leaked"].sum())
        again, foreign = straddling(run.folds), strangers(run)
        numbers = {"observed": float(max(audited, again) + foreign), "limit": 0.0, "images": len(run.folds)}
        said = (
            f"{audited} test images leak by the run's audit, {again} by the split itself; "
            f"{foreign} judged images are not test images of their fold"
        )
        yield self.exact("", "", not (audited or again or foreign), said, **numbers)


def straddling(folds: pd.DataFrame) -> int:
    """Test images whose patient, slide or bytes are also in train, in the same fold."""
    count = 0
    for _, fold in folds.groupby("fold"):
        train, test = (fold[fold["split"] == split] for split in ("train", "test"))
        shared = pd.Series(False, index=test.index)
        for identity in ("group", "slide", "image_id"):
            known = set(train[identity]) - {""}
            shared |= test[identity].isin(known)
        count += int(shared.sum())
    return count


def strangers(run: Run) -> int:
    """Judged images that the split does not have as test images of the fold that they were judged in."""
    if run.folds is None:
        return 0
    tested = run.folds.loc[run.folds["split"] == "test", ["fold", "image_id"]].drop_duplicates()
    judged = run.predictions[["fold", "image_id"]].drop_duplicates()
    both = judged.merge(tested, on=["fold", "image_id"], how="left", indicator="origin")
    return int((both["origin"] != "both").sum())
