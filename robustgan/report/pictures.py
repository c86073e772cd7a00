"""From tables to figure files: which numbers go into which picture, its name, and its alt text."""

from __future__ import annotations

import hashlib
import math
import re

import pandas as pd
from matplotlib.figure import Figure as Drawing

from robustgan.report import cases as lookup
from robustgan.report.cases import Case
from robustgan.report.document import Figure, Picture
from robustgan.report.figures import budgets, change, curves, gallery, heatmap, matrix
from robustgan.report.figures.change import Estimate
from robustgan.report.figures.style import save
from robustgan.report.folder import Folder, Row, records
from robustgan.report.settings import mixed
from robustgan.report.words import UNDEFINED, listed, percent, points

DROPS = ("sensitivity", "specificity", "accuracy")
GALLERY_ROWS = 8  # examples a picture, at most
NOTHING = Estimate(math.nan, math.nan, math.nan)


def drop_maps(folder: Folder, model: str) -> Figure | None:
    """Heat maps of drops; None where nothing was attacked."""
    shown = [case for case in lookup.cases(folder, model) if not case.clean]
    if not shown:
        return None
    columns = lookup.magnifications(folder.metrics)
    pictures = []
    for metric in DROPS:
        table = pd.DataFrame(
            {m: {case.title: _drop(folder, case, metric, m) for case in shown} for m in columns},
            index=[case.title for case in shown],
        )
        pictures.append(keep(folder, heatmap.draw(table, metric), f"drops-{metric}", model, _drops_alt(table, metric)))
    caption = (
        "Drops in percentage points, attacks down and magnifications across. Dark means much is lost. "
        "Grey and hatched: undefined, or the classifier does not work there without an attack."
    )
    return Figure(tuple(pictures), caption)


def _drop(folder: Folder, case: Case, metric: str, magnification: str) -> float:
    row = lookup.cell(lookup.rows_of(folder, case), metric, magnification)
    return math.nan if row is None else float(row["drop"])


def _drops_alt(table: pd.DataFrame, metric: str) -> str:
    lines = [f"{name}: " + ", ".join(f"{m} {points(v)}" for m, v in row.items()) for name, row in table.iterrows()]
    return f"Heat map of the drop in {metric}, percentage points. " + "; ".join(lines) + "."


def changes(folder: Folder, model: str) -> Figure | None:
    """Clean and attacked sensitivity and specificity at each magnification, at the budget of the headline."""
    shown = lookup.reference(lookup.cases(folder, model))
    if not shown:
        return None
    bad = lookup.broken(folder, model)
    pictures = []
    for metric in ("sensitivity", "specificity"):
        groups = {
            m: [_change_row(folder, case, metric, m, m in bad) for case in shown]
            for m in lookup.magnifications(folder.metrics)
        }
        alt = "; ".join(f"{m}: " + ", ".join(_change_alt(row) for row in rows) for m, rows in groups.items())
        drawing = change.draw(groups, metric.capitalize())
        pictures.append(keep(folder, drawing, f"change-{metric}", model, f"{metric.capitalize()} in %. {alt}."))
    budget = lookup.budget(shown[0].norm, shown[0].eps)
    return Figure(tuple(pictures), f"Clean and attacked at {budget}, with 95 % intervals clustered by patient.")


def _change_row(folder: Folder, case: Case, metric: str, magnification: str, bad: bool) -> change.Row:
    row = lookup.cell(lookup.rows_of(folder, case), metric, magnification)
    if row is None:
        return change.Row(case.name, NOTHING, NOTHING, case.control)
    clean = Estimate(row["clean"], row["clean_low"], row["clean_high"])
    attacked = NOTHING if bad else Estimate(row["value"], row["low"], row["high"])
    return change.Row(case.name, clean, attacked, case.control)


def _change_alt(row: change.Row) -> str:
    return f"{row.label} {percent(row.clean.value)} to {percent(row.attacked.value)}"


def success(folder: Folder, model: str) -> Figure | None:
    """Missed cancers and false alarms against the budget, pooled; None where there is nothing to read."""
    shown = [c for c in lookup.cases(folder, model) if c.norm == "linf" and (c.rival or c.control)]
    if not shown or lookup.POOLED in lookup.broken(folder, model):
        return None
    pictures = []
    for metric, title in ((lookup.MISSED, "Missed cancers"), (lookup.ALARMS, "False alarms")):
        tracks = [
            track for name in dict.fromkeys(c.name for c in shown) if (track := _track(folder, shown, name, metric))
        ]
        if tracks:
            drawing = budgets.draw(tracks, f"{title}, pooled", "largest change of a channel (eps)")
            alt = "; ".join(f"{t.name}: " + ", ".join(_budget_alt(t, i) for i in range(len(t.eps))) for t in tracks)
            pictures.append(
                keep(
                    folder,
                    drawing,
                    f"budget-{metric.replace(chr(95), chr(45))}",
                    model,
                    f"{title} against eps, in %. {alt}.",
                )
            )
    caption = (
        "Share of the images that were right when clean and that each attack turns, with 95 % intervals. "
        "A sound attack succeeds more with a larger budget, and far more than noise."
    )
    notes = mixed(folder.config.get("attacks", []), "linf")
    return Figure(tuple(pictures), " ".join([caption, *notes])) if pictures else None


def _track(folder: Folder, shown: list[Case], name: str, metric: str) -> budgets.Track | None:
    mine = sorted((c for c in shown if c.name == name), key=lambda c: c.eps)
    rows = [(c.eps, lookup.cell(lookup.rows_of(folder, c), metric)) for c in mine]
    kept = [(eps, row) for eps, row in rows if row is not None and not math.isnan(row["value"])]
    if not kept:
        return None
    columns = ([row[name] for _, row in kept] for name in ("value", "low", "high"))
    return budgets.Track(name, [eps for eps, _ in kept], *columns)


def _budget_alt(track: budgets.Track, i: int) -> str:
    return f"{lookup.grey_levels(track.eps[i])} {percent(track.value[i])}"


def examples(folder: Folder, model: str) -> Figure | None:
    """Originals, changes and fooling images of each attack at the budget of the headline."""
    pictures, gains = [], []
    for case in lookup.reference(lookup.cases(folder, model)):
        triplets = [_triplet(folder, row) for row in chosen(folder, case)]
        if triplets:
            gain = gallery.gain_of(triplets)
            drawing = gallery.draw(triplets, case.title, gain)
            alt = "; ".join(
                f"{gallery.SIDES[t.label]} {t.magnification}: {t.clean_score:.2f} to {t.score:.2f}" for t in triplets
            )
            pictures.append(
                keep(folder, drawing, f"gallery-{case.attack}", model, f"{case.title}: P(malignant) {alt}.")
            )
            gains.append(f"{case.name} × {gain}")
    caption = (
        "One image of each class and magnification: the original, what the attack added, and the 8-bit "
        "image that was judged. Below each image: the label it is given and P(malignant); bold orange is "
        f"wrong. The change is amplified around mid-grey ({listed(gains)}). Images that were right when "
        "clean and are fooled are shown first: the tables, not this gallery, say how often that happens."
    )
    return Figure(tuple(pictures), caption) if pictures else None


def chosen(folder: Folder, case: Case) -> list[Row]:
    """EXAMPLES of a case: one a class and magnification."""
    mine = folder.examples
    near = (mine["eps"] - case.eps).abs() < 1e-6
    mine = mine[near & (mine["attack"] == case.attack) & (mine["norm"] == case.norm) & (mine["model"] == case.model)]
    found = mine.drop_duplicates(["magnification", "label"]).sort_values(["magnification", "label"])
    return records(found.head(GALLERY_ROWS))


def transfer(folder: Folder) -> Figure | None:
    """Transfer matrices, one picture an attack, at the largest budget of each."""
    moved = [c for model in folder.judged for c in lookup.transfers(folder, model) if c.eps == c.eps]
    largest: dict[str, Case] = {}
    for case in moved:
        name = case._replace(source=case.model).name
        if name not in largest or case.eps > largest[name].eps:
            largest[name] = case
    models = list(folder.judged)
    pictures = []
    for name, case in largest.items():
        table = pd.DataFrame(
            {to: [_turned(folder, case._replace(model=to, source=made)) for made in models] for to in models},
            index=models,
        )
        title = f"{name} {lookup.budget(case.norm, case.eps)}"
        lines = [
            f"made on {made}: " + ", ".join(f"{to} {percent(v)}" for to, v in row.items())
            for made, row in table.iterrows()
        ]
        alt = f"Transfer of {title}, % of images turned. " + "; ".join(lines) + "."
        pictures.append(keep(folder, matrix.draw(table, title), f"transfer-{name}", "", alt))
    caption = (
        "Rows: the classifier that was attacked. Columns: the one that judged. The diagonal is the attack at home."
    )
    return Figure(tuple(pictures), caption) if pictures else None


def _turned(folder: Folder, case: Case) -> float:
    row = lookup.cell(lookup.rows_of(folder, case), lookup.SUCCESS)
    return math.nan if row is None or lookup.POOLED in lookup.broken(folder, case.model) else float(row["value"])


def _triplet(folder: Folder, row: Row) -> gallery.Triplet:
    place = folder.path / "evidence"
    side = f"{row['magnification']}X" if row["magnification"] else ""
    return gallery.Triplet(
        place / row["clean_png"],
        place / row["adv_png"],
        int(row["label"]),
        side,
        float(row["clean_score"]),
        float(row["score"]),
        folder.threshold(str(row["model"])),
    )


def training(folder: Folder) -> Figure | None:
    """One picture a trained network."""
    pictures = []
    for network, part in folder.curves.groupby("network", sort=False):
        last = part[part["step"] == part["step"].max()].drop_duplicates("name")
        ends = ", ".join(
            f"{row['name']} {row['value']:.3g}" for _, row in last.iterrows() if row["name"] not in curves.HIDDEN
        )
        drawing = curves.draw(part, str(network))
        pictures.append(keep(folder, drawing, f"training-{network}", "", f"Training of {network}; at the end: {ends}."))
    return Figure(tuple(pictures), "What each training recorded, one line a fold.") if pictures else None


def keep(folder: Folder, drawing: Drawing, name: str, model: str, alt: str) -> Picture:
    """Save a drawing under `figures/`; several models get files of their own."""
    several = f"{model}-" if model and len(folder.models) > 1 else ""
    path = f"figures/{slug(several + name)}.png"
    save(drawing, folder.path / path)
    return Picture(path, alt.replace(UNDEFINED, "undefined"))


def slug(name: str) -> str:
    """A file name that is safe everywhere; two names never share one."""
    safe = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()
    return safe if safe == name.lower() else f"{safe[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
