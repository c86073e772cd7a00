"""Checks on what is left of the fooling images once they are rounded and saved."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from robustgan.strength import limits
from robustgan.strength.rows import Row, counted, not_run

CHECKS = {
    "survival: 8 bit": ("pred", "fooling images still fool after rounding to 8 bits"),
    "survival: PNG": ("png_pred", "a PNG file gives the same answers as the 8-bit image"),
    "survival: JPEG 90": ("jpeg_pred", "at least half of the fooling images survive JPEG of quality 90"),
}


def survival(rows: pd.DataFrame | None) -> Iterator[Row]:
    """Of the images that were right and fooled as floats: how many still fool.

    Args:
        rows: SURVIVAL rows of one classifier at the budget that is judged; None where nothing was saved.
    """
    if rows is not None:
        right = rows[(rows["clean_pred"] == rows["label"]) & (rows["attack"] != "clean")]
        rows = right[right["float_pred"] != right["label"]]
    for check, (column, expected) in CHECKS.items():
        if rows is None or not len(rows):
            why = "survival was not measured at this budget" if rows is None else "no image was fooled"
            yield not_run(check, why, expected)
            continue
        yield kept(check, column, rows, expected)


def kept(check: str, column: str, rows: pd.DataFrame, expected: str) -> Row:
    """Judge one way of saving."""
    n = len(rows)
    if column == "png_pred":
        differ = int((rows["png_pred"] != rows["pred"]).sum())
        found = f"{differ} of {n} answers differ"
        return Row(check, "fail" if differ else "pass", found, expected, differ, 0, n)
    lost = int((rows[column] == rows["label"]).sum())
    found = f"{n - lost} of {n} fooling images still fool"
    if column == "jpeg_pred":
        status = "warn" if lost > limits.JPEG * n else "pass"
        return Row(check, status, found, expected, lost, limits.JPEG * n, n)  # type: ignore[arg-type]
    return counted(check, lost, n, limits.LOST, found, expected)
