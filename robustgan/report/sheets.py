"""Pictures that generators left while they trained and searched: which there can be, and what each shows."""

from __future__ import annotations

from typing import NamedTuple

from robustgan.report.document import Block, Figure, Picture
from robustgan.report.folder import Folder


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
        "Walks through latent space: the same latent vector, its label moved from benign to malignant, with the places "
        "where the victim and the oracles change their minds.",
    ),
}


def figures(folder: Folder) -> list[Block]:
    """Every picture that the run left, as large as its pixels."""
    found = {stem: pictures(folder, stem) for stem in KINDS}
    return [Figure(found[stem], kind.caption, natural=True) for stem, kind in KINDS.items() if found[stem]]


def pictures(folder: Folder, stem: str) -> tuple[Picture, ...]:
    """Those whose file name ends with `stem`."""
    return tuple(
        Picture(path.relative_to(folder.path).as_posix(), f"{KINDS[stem].alt} ({path.stem.replace('-', ' ')}).")
        for path in folder.sheets
        if path.stem.rpartition("-")[2] == stem
    )
