"""Sheets as people, spreadsheets and vandals send them: read, or refused with row and column."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robustgan.errors import InputError
from robustgan.rating import folder
from robustgan.rating.answers import read_sheets, sheets_in
from tests.rating.raters import perfect, planted_key, saved

KEY = planted_key(8, 0)
IDS = KEY["id"].tolist()
GOOD = perfect(KEY).to_csv(index=False)


def read(path: Path, text: str | bytes) -> pd.DataFrame:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (found,) = read_sheets([path], IDS).values()
    return found


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return tmp_path / "ana.csv"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.upper(),
        lambda text: text.replace(",generated,", ", Generated  ,"),
        lambda text: text.replace("\n", ",,\n"),
        lambda text: text + "\n\n,,,,\n",
        lambda text: text.replace(",5,", ',5,"a ""quoted"" note,\nof two lines"'),
        lambda text: "\n".join(line.rpartition(",")[0] for line in text.splitlines()),  # no column for notes
        lambda text: text.replace(",5,", ",5,=HYPERLINK(0)"),
    ],
    ids=["bom", "semicolons", "tabs", "crlf", "upper", "blanks", "trailing", "empty", "quoted", "noteless", "formula"],
)
def test_what_spreadsheets_do_to_a_sheet_is_read(sheet: Path, change: Callable[[str], str]) -> None:
    pd.testing.assert_frame_equal(read(sheet, change(GOOD)), read(sheet, GOOD))


def line(number: int, **answers: str) -> str:
    """The good sheet with other answers in one row, counted as spreadsheets do."""
    rows = perfect(KEY)
    for column, value in answers.items():
        rows.loc[number - 2, column] = value
    return rows.to_csv(index=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (line(4, label=""), "Row 4, column `label`: found nothing, allowed: benign, malignant, cannot tell"),
        (line(4, confidence="6"), "Row 4, column `confidence`: found '6', allowed: 1, 2, 3, 4, 5"),
        (line(9, real_or_generated="fake"), "Row 9, column `real_or_generated`: found 'fake', allowed: real, gen"),
        (line(3, id="x999"), "Row 3, column `id`: found 'x999', which is no image.*Column `id`: no row for 'x001'"),
        (line(3, id="x000"), "Row 3, column `id`: found 'x000' again, it stands in row 2 already"),
        (line(3, label="", confidence="").replace("x001", "x001"), "`label`: found nothing.*`confidence`: found noth"),
        (GOOD.rpartition("x007")[0], "Column `id`: no row for 'x007'"),
        (GOOD.replace("malignant", "bad"), "And 3 more|found 'bad'"),
        (GOOD.replace(",5,", ",5,a,b"), "row 2: found 6 cells, allowed are 5.*double quotes"),
        (GOOD.replace("confidence", "confidnce"), "row 1.*Found `confidnce`.*Did you mean `confidence`"),
        (GOOD.replace("note", "label"), "row 1: the columns must be id, real_or_generated"),
        ("", "row 1: the columns must be"),
        ("\x00\x01", "row 1: the columns must be"),
        ('id,"', "not a CSV file"),
        (GOOD + "x" * 200_000, "not a CSV file"),
        (GOOD.encode() + b"\xff\xfe", "is not UTF-8"),
        (b"x" * 10_000_001, "more than 10,000,000 bytes"),
    ],
)
def test_mistakes_name_row_and_column(sheet: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(sheet, text)
    assert str(sheet) in str(caught.value)
    assert len(str(caught.value)) < 1500


def test_many_mistakes_are_counted_and_five_are_shown(sheet: Path) -> None:
    with pytest.raises(InputError, match=r"And 11 more\."):
        read(sheet, GOOD.replace(",5,", ",0,").replace(",real,", ",photo,").replace(",generated,", ",made,"))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_among_the_rows_are_refused_or_change_nothing(sheet: Path, data: bytes) -> None:
    good = read(sheet, GOOD)
    try:
        found = read(sheet, GOOD.encode().replace(b"\nx001", b"\n" + data + b"x001"))
    except InputError:
        return
    pd.testing.assert_frame_equal(found, good)


def test_the_empty_sheet_is_left_out_and_a_half_filled_one_is_not(tmp_path: Path) -> None:
    empty = tmp_path / "ratings.csv"
    empty.write_text(folder.sheet(IDS))
    saved(perfect(KEY), tmp_path / "ana.csv")
    assert list(read_sheets(sheets_in(tmp_path), IDS)) == ["ana"]
    empty.write_text(folder.sheet(IDS).replace("x000,", "x000,real"))
    with pytest.raises(InputError, match=r"ratings\.csv: Row 2, column `label`: found nothing"):
        read_sheets(sheets_in(tmp_path), IDS)


def test_nobody_answered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sheet with answers: looked at no CSV file"):
        read_sheets(sheets_in(tmp_path), IDS)
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read: No such file"):
        read_sheets([tmp_path / "nowhere.csv"], IDS)


def test_two_sheets_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = [saved(perfect(KEY), tmp_path / place / "ana.csv") for place in (".", "b")]
    with pytest.raises(InputError, match="a second sheet called `ana`"):
        read_sheets(paths, IDS)
