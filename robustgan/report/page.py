"""The document as one HTML file that asks nobody for anything: style, script and pictures are inside."""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from robustgan.report.document import Cell, Document, Picture


def text(document: Document, folder: Path) -> str:
    """The whole page. Everything that comes from the run is escaped by the template engine."""
    environment = Environment(
        loader=PackageLoader("robustgan.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(data_uri=lambda picture: data_uri(folder, picture), order=order)
    environment.globals.update(
        size=lambda picture: size(folder, picture), include=lambda name: _part(environment, name)
    )
    return environment.get_template("report.html.j2").render(document=document) + "\n"


def _part(environment: Environment, name: str) -> Markup:
    """A part of the page that is ours and has no variables: the style sheet and the script."""
    if environment.loader is None:
        raise ValueError("the environment has no loader")
    return Markup(environment.loader.get_source(environment, name)[0])


def data_uri(folder: Path, picture: Picture) -> str:
    """A picture's bytes inside a URL."""
    return "data:image/png;base64," + base64.b64encode((folder / picture.path).read_bytes()).decode()


def size(folder: Path, picture: Picture) -> tuple[int, int]:
    """Width and height in pixels, so that the page does not jump."""
    with Image.open(folder / picture.path) as image:
        return image.size


def order(cell: Cell) -> str:
    """What a cell is sorted by: a number (`nan` sorts last), or nothing where its text is the order."""
    return "" if cell.order is None else f"{cell.order:.9g}"
