"""What raters get: shuffled images, an empty sheet, a page to fill it in. The key goes beside the folder."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from robustgan import tables
from robustgan.errors import InputError
from robustgan.rating.choice import Shown, choose, ids_of
from robustgan.rating.key import COLUMNS, KEY, QUESTIONS, SHEET, key_path
from robustgan.rating.source import Pool

SIDE = 256  # pixels; on the page, images are enlarged by a whole factor to at least this


def make(pool: Pool, out: Path, images: int, seed: int) -> pd.DataFrame:
    """Write the folder `out` and, beside it, its key.

    Args:
        pool: what can be shown.
        out: the folder; must not exist, nor its key.
        images: at most so many of each kind.
        seed: of choice and order.

    Returns:
        The key (`KEY`), in the order of the sheet.

    Raises:
        InputError: folder or key exist, or the pool is too small.
    """
    for path in (out, key_path(out)):
        if path.exists():
            raise InputError(f"{path}: exists already. Name another folder: a key must stay with its sheets.")
    shown = choose(pool.rows, images, seed)
    key = key_of(pool, shown, seed)
    (out / "images").mkdir(parents=True)
    for name, index in zip(key["id"], shown.image, strict=True):
        # Stored and not compressed, so that the size of a file says nothing: generated images are smoother.
        Image.fromarray(pool.pixels[index]).save(out / "images" / f"{name}.png", compress_level=0)
    ids = key["id"].tolist()
    (out / SHEET).write_text(sheet(ids), "utf-8", newline="")
    (out / "rate.html").write_text(page(ids, pool.pixels.shape[1]), "utf-8")
    tables.write(key, KEY, key_path(out))
    return key


def key_of(pool: Pool, shown: Shown, seed: int) -> pd.DataFrame:
    """What each image of the sheet is, in the order of the sheet."""
    ids = ids_of(shown, pool.rows["image_id"].tolist(), seed)
    rows = pool.rows.iloc[shown.image].reset_index(drop=True)
    again = [ids[at] if at >= 0 else "" for at in shown.first]
    return tables.check(rows.assign(id=ids, repeat_of=again, mode=shown.mode), KEY)


def sheet(ids: list[str]) -> str:
    """The empty sheet."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *([one, *[""] * len(COLUMNS[1:])] for one in ids)])
    return text.getvalue()


def page(ids: list[str], side: int) -> str:
    """The page that shows the images one by one and makes the filled-in sheet."""
    environment = Environment(loader=PackageLoader("robustgan.rating"), autoescape=True, undefined=StrictUndefined)
    wide = side * max(1, -(-SIDE // side))
    template = environment.get_template("rate.html.j2")
    return template.render(ids=ids, questions=QUESTIONS, columns=COLUMNS, wide=wide, sheet=SHEET) + "\n"
