"""Gates on the test set: enough patients, and none of them known from training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field

from robustgan.gates.clean import Places
from robustgan.gates.evidence import Run
from robustgan.gates.gate import Case, Gate
from robustgan.gates.origin import CLAIM, elsewhere
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
    # what becomes of a model that the run did not train, as nobody there knows what it saw; accept: the policy's author
    # answers for it that it never saw these patients, and the gate's reason says so
    trained_elsewhere: Literal["indeterminate", "accept"] = "indeterminate"

    def rows(self, case: Case) -> Iterator[Row]:
        """One row for the split, and one for each classifier that learned elsewhere."""
        yield self._split(case.run)
        known = elsewhere(case.run.config)
        for model in self.judged(case.run):
            if why := known.get(model):
                yield self._brought(model, why)

    def _brought(self, model: str, why: str) -> Row:
        said = f"this model {why}: {CLAIM}"
        if self.trained_elsewhere == "accept":
            return self.exact(model, "", True, f"{said}; this policy accepts the claim (trained_elsewhere)")
        return self.unknown(model, "", f"{said}; a policy that answers for it sets `trained_elsewhere: accept`")

    def _split(self, run: Run) -> Row:
        """The run's own audit, the same found again from the split, and what was judged."""
        if run.leaks is None or run.folds is None or run.leaks.empty or run.folds.empty:
            return self.unknown("", "", "the run has no leak audit (evidence/leaks.csv, evidence/manifest.parquet)")
        audited = int(run.leaks.loc[run.leaks["split"] == "test", "leaked"].sum())
        again, foreign = straddling(run.folds), strangers(run)
        numbers = {"observed": float(max(audited, again) + foreign), "limit": 0.0, "images": len(run.folds)}
        said = (
            f"{audited} test images leak by the run's audit, {again} by the split itself; "
            f"{foreign} judged images are not test images of their fold"
        )
        return self.exact("", "", not (audited or again or foreign), said, **numbers)


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
