"""Facts about public data sets that loaders check and splits use; README.md says where they come from."""

from __future__ import annotations

import functools
from importlib.resources import files

import pandas as pd

BREAKHIS = "breakhis_v1.csv"


@functools.cache
def breakhis() -> pd.DataFrame:
    """The 82 slide folders of BreakHis: type, slide, accession, counts, folds. Do not change the table."""
    text = {"type": "string", "slide": "string", "accession": "string"}
    with (files(__name__) / BREAKHIS).open("r", encoding="utf-8") as file:
        return pd.read_csv(file, dtype=text)
