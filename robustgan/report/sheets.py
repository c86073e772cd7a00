"""Pictures that generators left while they trained and searched: which there can be, and what each shows."""

from __future__ import annotations

from typing import NamedTuple

from robustgan.report.document import Block, Figure, Paragraph, Picture
from robustgan.report.folder import Folder

MOST = 6  # pictures of one kind that are shown


class Kind(NamedTuple):
    """One kind of picture."""

    alt: str
    caption: str


KINDS = {  # by how the file's name ends
    "sheet": Kind(
        "Contact sheet of generated images, one row a label",
        "Generated images at a fixed latent, one row a label (all of them, not a selection).",
    ),
    "progress": Kind(
        "Generated images over the steps of the training",
        "How the images came about: the same latent vectors at looks during the training.",
    ),
    "fooling": Kind(
        "Generated images that fool the victim",
        "Generated images that all oracles accept and that fool the victim (a selection).",
    ),
    "walk": Kind(
        "Walks through latent space from benign to malignant",
        "Walks from benign to malignant: one latent vector, only its label moves. Below each image P(malignant) by the "
        "victim and by the oracles; a bar stands where one changes its mind: red the victim, blue the oracles.",
    ),
}


def figures(folder: Folder) -> list[Block]:
    """Every picture that the run left, as large as its pixels; where there are many of a kind, where they are."""
    found = {stem: pictures(folder, stem) for stem in KINDS}
    shown = {stem: some for stem, some in found.items() if 0 < len(some) <= MOST}
    blocks: list[Block] = [Figure(some, KINDS[stem].caption, natural=True) for stem, some in shown.items()]
    many = [f"{len(some)} in evidence/sheets/*-{stem}.png" for stem, some in found.items() if len(some) > MOST]
    return [*blocks, *([Paragraph(f"More pictures: {', '.join(many)}.", "note")] if many else [])]


def pictures(folder: Folder, stem: str) -> tuple[Picture, ...]:
    """Those whose file name ends with `stem`."""
    return tuple(
        Picture(path.relative_to(folder.path).as_posix(), f"{KINDS[stem].alt} ({path.stem.replace('-', ' ')}).")
        for path in folder.sheets
        if path.stem.rpartition("-")[2] == stem
    )
