"""What the attacks look like."""

from __future__ import annotations

from robustgan.report import pictures
from robustgan.report.document import Block, Compare, Pair, Paragraph, Picture, Section
from robustgan.report.figures.gallery import SIDES
from robustgan.report.folder import Folder, Row
from robustgan.report.sections import headline


def section(folder: Folder) -> Section:
    """Original, change and attacked image, with the citation of the images under them."""
    drawn: list[Block] = []
    for model in folder.judged:
        found = (compare(folder, model), pictures.examples(folder, model))
        drawn += [block for block in found if block is not None]
    if not drawn:
        none = "This run kept no example images (gallery is 0 in the config, or nothing was attacked)."
        return Section("gallery", "Gallery", (Paragraph(none),))
    credit = f"Images: {folder.run['citation']}" if folder.run["citation"] else "Images: source not stated."
    return Section("gallery", "Gallery", (*drawn, Paragraph(credit, "note")))


def compare(folder: Folder, model: str) -> Compare | None:
    """Clean and attacked under the headline's attack, pixel on pixel; None where nothing was kept."""
    case = headline.strongest(folder, model)
    pairs = [_pair(row, case.title, folder.threshold(model)) for row in pictures.chosen(folder, case)] if case else []
    if case is None or not pairs:
        return None
    caption = (
        f"Clean and {case.title} against {model}, pixel on pixel: the slider uncovers the attacked image from the "
        "left, the button changes between the two."
    )
    return Compare(tuple(pairs), caption)


def _pair(row: Row, attack: str, threshold: float) -> Pair:
    side = f"{SIDES[row['label']]} {row['magnification']}X" if row["magnification"] else SIDES[row["label"]]
    before, after = (f"{SIDES[int(row[name] >= threshold)]} {row[name]:.2f}" for name in ("clean_score", "score"))
    named = f"{side}, image {row['image_id'][:8]}"
    return Pair(
        Picture(f"evidence/{row['clean_png']}", f"Original: {named}; called {before}."),
        Picture(f"evidence/{row['adv_png']}", f"{attack}: {named}; called {after}."),
        f"{named}: called {before} when clean, {after} attacked",
    )
