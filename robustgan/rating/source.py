"""Single images of a finished run: real ones of its test patients, generated ones of its trained generator.

A run keeps its generated images as contact sheets only. So they are painted once more from the generator's weights, and
one counts only where its bytes are those of a row of the run's own `generated.parquet`: what people rate is what the
report judged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from robustgan import repeatable, tables
from robustgan.errors import InputError, nearest
from robustgan.gan import points
from robustgan.gan.conditional import Gan
from robustgan.gan.painting import paint, starts
from robustgan.gan.points import Points
from robustgan.inputs import attack_of, generator_of, samples
from robustgan.journal import silent
from robustgan.rating.key import GENERATED_KIND, NATURAL, REAL, SEARCHED
from robustgan.shapes import UInt8
from robustgan.tensors import Bytes
from robustgan.work import Work

Pixels = UInt8[np.ndarray, "n h w 3"]


class Pool(NamedTuple):
    """Images with what the key says of them (`KEY`, without ids), in the same order."""

    pixels: Pixels
    rows: pd.DataFrame

    def of(self, index: np.ndarray) -> Pool:
        """Some of the images, in the order of `index`."""
        return Pool(self.pixels[index], self.rows.iloc[index].reset_index(drop=True))

    def accepted(self) -> Pool:
        """Without the generated images whose label the oracles did not accept."""
        return self.of(np.flatnonzero((self.rows["kind"] == REAL) | self.rows["accepted"]))


def pool(folder: Path, attack: str | None = None, model: str | None = None) -> Pool:
    """All images of a run that can be shown: real test images, generated ones without search, and searched ones.

    An image that a search left where it was stands twice, once a mode.

    Args:
        folder: a report folder, or the `--out` of a run with one report.
        attack: name of the attack that made the images; needed where the report has several.
        model: classifier that the search fooled; needed where the report has several.

    Raises:
        InputError: no such report, no generator in it, or its stages are gone.
    """
    works = forged(folder, attack, model)
    repeatable.enforce(works[0].settings["device"], 1)
    whole = joined([part for work in works for part in (real(work), generated(work))])
    twice = whole.rows.duplicated(["image_id", "mode"])  # several seeds show the same test patients
    return whole.of(np.flatnonzero(~twice))


def joined(parts: list[Pool]) -> Pool:
    """All of them as one."""
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    return Pool(np.concatenate([part.pixels for part in parts]), rows)


# ----------------------------------------------------------------------------------------------- stages of the run


def forged(folder: Path, attack: str | None, model: str | None = None) -> list[Work]:
    """The finished stages that made images from scratch with one attack against one classifier, one a generator.

    Raises:
        InputError: as `pool`.
    """
    report = report_of(folder)
    runs = report.resolve().parent.parent / "runs"
    keys = [s["key"] for s in _json(report / "run.json").get("stages", []) if s["stage"] == "forged"]
    if not keys:
        raise InputError(f"{report}: no attack of this report made images from scratch; one of kind `dcgan` does.")
    found: dict[str, dict[str, list[Work]]] = {}
    for key in keys:
        work = work_of(runs, key)
        one = work.settings["attack"]
        found.setdefault(one["name"] or one["kind"], {}).setdefault(_victim(work), []).append(work)
    name = _chosen(found, attack, "--attack", f"{report}: several attacks made images")
    victim = _chosen(found[name], model, "--model", f"{report}: several classifiers were attacked")
    return found[name][victim]


def _victim(work: Work) -> str:
    """The classifier that the search was to fool."""
    return str(tables.read(work.folder / "generated.parquet", tables.GENERATED)["model"].iloc[0])


def _chosen(found: Mapping[str, object], name: str | None, option: str, several: str) -> str:
    """The only name, or the one that was asked for.

    Raises:
        InputError: there is no such name, or none of several was asked for.
    """
    if name is None and len(found) > 1:
        raise InputError(f"{several}: {', '.join(sorted(found))}. Choose one: {option}.")
    name = next(iter(found)) if name is None else name
    if name not in found:
        raise InputError(f"{option}: found `{name}`. {nearest(name, found)}")
    return name


def report_of(folder: Path) -> Path:
    """The report that is meant.

    Raises:
        InputError: there is none, or several.
    """
    if (folder / "run.json").is_file():
        return folder
    reports = sorted(path.parent for path in (folder / "reports").glob("*/run.json"))
    if len(reports) == 1:
        return reports[0]
    if reports:
        raise InputError(f"{folder}: several reports; name one: {', '.join(str(path) for path in reports)}.")
    raise InputError(f"{folder}: neither a report nor a folder that `robustgan run --out` filled.")


def work_of(runs: Path, key: str) -> Work:
    """A finished stage with its inputs, as its step got them.

    Raises:
        InputError: its folder or one of its inputs is gone.
    """
    folder = runs / "forged" / key
    record = _json(folder / "run.json")
    inputs = {}
    for name, needed in record["inputs"].items():
        places = sorted(runs.glob(f"*/{needed}"))
        if not places:
            raise InputError(f"{runs}: the stage `{name}` ({needed}) of this run is gone; run its config again.")
        inputs[name] = places[0]
    return Work(record["settings"], inputs, folder, runs, silent)


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: not there. A report alone holds no single images: `runs/` must lie where `robustgan run` put it, "
            "two folders above the report. Run the config again with the same --out."
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: broken: {error}") from None
    return found


# ------------------------------------------------------------------------------------------------------- images


def real(work: Work) -> Pool:
    """The test patients' images, at the size and by the rule of the run."""
    test = samples(work, "test")
    rows = test.rows[["label", "magnification", "group", "image_id"]]
    return Pool(_rows_last(test.images[:]), rows.assign(kind=REAL, mode="", accepted=False))


def generated(work: Work) -> Pool:
    """Images that the run judged, painted once more: natural ones, and searched ones where their points were kept.

    Raises:
        InputError: the generator is of another kind, or its searched points do not fit it.
        InputError: no image of a mode has the bytes that the run judged.
    """
    attack = attack_of(work)
    gan = generator_of(work, attack)
    if not isinstance(gan, Gan):
        raise InputError(f"{attack.label}: found a generator of another kind; `rate` can paint with `dcgan` alone.")
    labels, z = starts(gan, attack.search.images, work.settings["seed"])
    told = {NATURAL: Points(z, labels), SEARCHED: points.load(work.folder, gan)}  # runs of earlier versions kept none
    images = {mode: paint(gan, *at, attack.search.batch) for mode, at in told.items() if at is not None}
    return joined([judged(work, _rows_last(some), mode) for mode, some in images.items()])


def judged(work: Work, pixels: Pixels, mode: str) -> Pool:
    """The images of one mode that have the bytes of a row of the run, with what the run said of them.

    Raises:
        InputError: there are none.
    """
    rows = tables.read(work.folder / "generated.parquet", tables.GENERATED)
    known = rows[rows["mode"] == mode].drop_duplicates("image_id").set_index("image_id")
    ids = [hashlib.sha256(one.tobytes()).hexdigest() for one in pixels]
    same = np.array([one in known.index for one in ids])
    if not same.any():
        raise InputError(
            f"{work.folder}: painted once more, none of the {len(ids)} {mode} images has the bytes that the run "
            "judged. Use the device, the versions and the code of the run, or run its config again here."
        )
    kept = [one for one, there in zip(ids, same, strict=True) if there]
    table = known.loc[kept, ["label", "magnification", "group", "accepted"]].reset_index()
    return Pool(pixels[same], table.assign(kind=GENERATED_KIND, mode=mode))


def _rows_last(images: Bytes) -> Pixels:
    return images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
