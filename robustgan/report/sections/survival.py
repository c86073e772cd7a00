"""Does the attack outlive being saved, and how much can be seen of it?"""

from __future__ import annotations

import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report.cases import Case
from robustgan.report.clustered import part
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder
from robustgan.report.words import absent, count, plain

FORMS = {  # how an image reaches the classifier: the column, the head of the table
    "float_pred": "Before rounding, %",
    "pred": "8 bits, %",
    "png_pred": "PNG, %",
    "jpeg_pred": "JPEG 90, %",
}
KEYS = ["model", "source", "attack", "norm", "eps", "seed", "fold", "image_id"]
INTRO = (
    "An attack is worth as much as is left of it in a file. Success is counted on images that were right when clean: "
    "before rounding, as 8-bit pixels (what every other table counts), written to PNG and read again, and to JPEG of "
    "quality 90. SSIM: structural similarity, 1 is no change. L2: length of the change on the [0, 1] scale. Stain: "
    "shift of the mean optical density in the haematoxylin-eosin plane. Whether a pathologist would see it was not "
    "asked."
)
MISSING = (
    "Not measured in this run: whether the attacked images survive being saved as PNG or JPEG, and how similar they "
    "are to the originals. All success rates are of 8-bit pixels in memory."
)


def section(folder: Folder) -> Section:
    """One row an attack and budget."""
    title = "Survival and imperceptibility"
    if folder.survival.empty:
        return Section("survival", title, (Paragraph(MISSING),))
    rows = folder.survival.merge(folder.predictions[[*KEYS, "l2"]], how="left", on=KEYS)
    blocks: list[Block] = [Paragraph(INTRO)]
    for model in folder.judged:
        lines = [line for case in lookup.cases(folder, model) if (line := _line(case, _of(rows, case)))]
        heads = ("Attack", *FORMS.values(), "SSIM, median (lowest)", "L2, median (largest)", "Stain, median (largest)")
        caption = f"{model}: % of the images right when clean that are turned (95 % interval, clustered by patient)."
        table = Table(caption, (*heads, "Images (patients)"), tuple(lines))
        blocks += [table] if lines else []
    return Section("survival", title, tuple(blocks))


def _of(rows: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Images of a case that were right when clean."""
    found = lookup.of(rows, case)
    return found[found["clean_pred"] == found["label"]]


def _line(case: Case, rows: pd.DataFrame) -> tuple[Cell, ...]:
    if rows.empty or case.clean:
        return ()
    shares = [part(rows["group"], (rows[form] != rows["label"]).to_numpy()).cell for form in FORMS]
    sizes = f"{len(rows):,} ({rows['group'].nunique():,})"
    seen = (_spread(rows["ssim"], False), _spread(rows["l2"], True), _spread(rows["stain"], True))
    return (Cell(case.title), *shares, *seen, Cell(sizes, float(len(rows))))


def _spread(values: pd.Series, largest: bool) -> Cell:
    """Median and the end that is worst for the attacker."""
    known = values.dropna()
    if known.empty:
        return absent()
    median, end = float(known.median()), float(known.max() if largest else known.min())
    whole = f"{count(len(known), 'image')}: {plain(float(known.min()), 3)} to {plain(float(known.max()), 3)}"
    return Cell(f"{plain(median, 3)} ({plain(end, 3)})", median, hint=whole)
