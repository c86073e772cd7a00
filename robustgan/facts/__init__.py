"""Facts about public data sets that a loader can check and a split can use; README.md says where they come from."""

from __future__ import annotations

import functools
from importlib.resources import files

import pandas as pd

BREAKHIS = "breakhis_v1.csv"


@functools.cache
def breakhis() -> pd.DataFrame:
    """One row for each of the 82 slide folders of BreakHis: type, slide, accession, counts, folds. Do not write into it."""
    text = {"type": "string", "slide": "string", "accession": "string"}
    with (files(__name__) / BREAKHIS).open("r", encoding="utf-8") as file:
        return pd.read_csv(file, dtype=text)
