"""Tables: exact columns, survived by Parquet and CSV."""

import math
from pathlib import Path

import pandas as pd
import pytest

from robustgan import tables
from robustgan.errors import InputError

LEAK = pd.DataFrame({"fold": [1], "identity": ["group"], "split": ["test"], "images": [5], "leaked": [0]})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_survives_its_file(tmp_path: Path, suffix: str) -> None:
    tables.write(LEAK, tables.LEAKS, tmp_path / f"t{suffix}")
    pd.testing.assert_frame_equal(tables.read(tmp_path / f"t{suffix}", tables.LEAKS), tables.check(LEAK, tables.LEAKS))


def test_undefined_numbers_and_the_text_nan_stay_what_they_are(tmp_path: Path) -> None:
    row = {name: "NA" if column.dtype == "string" else 1 for name, column in tables.FOOLING.items()} | {"low": math.nan}
    tables.write(pd.DataFrame([row]), tables.FOOLING, tmp_path / "t.csv")
    read = tables.read(tmp_path / "t.csv", tables.FOOLING)
    assert read["note"].item() == "NA"
    assert math.isnan(read["low"].item())


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"missing columns: leaked; unknown column `leeked`.*Did you mean `leaked`"):
        tables.check(LEAK.rename(columns={"leaked": "leeked"}), tables.LEAKS)


def test_a_value_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(InputError, match="does not fit"):
        tables.check(LEAK.assign(images=["many"]), tables.LEAKS)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match="cannot be read as a table"):
        tables.read(tmp_path / "t.parquet", tables.LEAKS)
    with pytest.raises(InputError, match="no such file"):
        tables.read(tmp_path / "none.csv", tables.LEAKS)


def test_an_empty_table_has_its_columns() -> None:
    assert list(tables.empty(tables.METRICS).columns) == list(tables.METRICS)
