"""`robustgan rate`: from a run to scores."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from robustgan import cli, seal, tables
from robustgan.errors import InputError
from robustgan.gates.evidence import read_run
from robustgan.metrics import people
from robustgan.rating.key import CLASSES, COLUMNS, KEY, key_path, read_key
from robustgan.report.render import render
from tests.rating.conftest import TINY, write_run
from tests.report import planted
from tests.test_cli import robustgan


def test_from_a_run_to_scores(tmp_path: Path) -> None:
    report = write_run(tmp_path / "run")
    out = tmp_path / "sheet"
    made = json.loads(robustgan("rate", "make", str(report), "--out", str(out), "--images", "8", "--json"))
    counts = {"real": 8, "generated": 8, "searched": 4, "twice": 2}
    assert made == {"folder": str(out), "key": str(tmp_path / "sheet.key.csv"), **counts}
    key = pd.read_csv(made["key"], keep_default_na=False)
    sheet = pd.read_csv(out / "ratings.csv", dtype=str)
    labels = [CLASSES[label] for label in key["label"]]
    sheet.assign(real_or_generated=key["kind"], label=labels, confidence="4").to_csv(out / "ana.csv", index=False)
    plain = json.loads(robustgan("rate", "score", str(out), "--json"))
    assert plain["shares"]["ana"]["accuracy"]["value"] == 1
    assert plain["shares"]["ana"]["label_correctness"]["n"] == 8
    told = robustgan("rate", "score", str(out), str(out / "ana.csv"))
    assert "label_correctness           1.000 (" in told
    assert "q, searched malignant       " in told


def scored(sheet: Path, report: Path, *words: str) -> str:
    """`rate score --into` in this process; what it printed, or the error."""
    done = CliRunner().invoke(cli.app, ["rate", "score", str(sheet), "--into", str(report), *words])
    if done.exception:
        raise done.exception
    return done.output


def small(place: Path) -> Path:
    """A planted report with few predictions; its generated images are as many as ever."""
    return planted.build(place, repeats=1, levels=(8,), magnifications=(40,))


def sealed(report: Path) -> Path:
    (report / "run.json").write_text(json.dumps({"stages": [], "files": seal.digests(report)}))
    return report


def written(place: Path, report: Path, shown: int, wrong: float) -> Path:
    """A rating folder with the key and one filled-in sheet: a share of the generated labels are wrong, it says."""
    rows = tables.read(report / "generated.parquet", tables.GENERATED)
    rows = rows[(rows["mode"] != "walked") & (rows["accepted"] | (rows["mode"] == "real"))]
    some = rows.groupby(["mode", "label"]).head(shown).reset_index(drop=True)
    kind = np.where(some["mode"] == "real", "real", "generated")
    key = some.assign(id=[f"x{i:03d}" for i in some.index], kind=kind, repeat_of="")
    tables.write(key[list(KEY)].assign(mode=key["mode"].replace("real", "")), KEY, key_path(place))
    off = (key["kind"] == "generated") & (key.groupby(["mode", "label"]).cumcount() < wrong * shown)
    label = [CLASSES[one] for one in key["label"] ^ off]
    place.mkdir()
    sheet = key.assign(real_or_generated=kind, label=label, confidence="3", note="")
    sheet[list(COLUMNS)].to_csv(place / "ana.csv", index=False)
    return place


def test_what_people_say_stands_in_the_report(tmp_path: Path) -> None:
    report = small(tmp_path / "planted")
    render(report)
    assert "by people" not in (report / "report.md").read_text("utf-8")
    naive = tables.read(sealed(report) / "fooling.csv", tables.FOOLING)
    told = scored(written(tmp_path / "sheet", report, 40, 0.1), report, "--kind", "pathologist")
    assert "report.html, corrected by 1 pathologist" in " ".join(told.split())
    after = (report / "report.md").read_text("utf-8")
    assert "Sensitivity, corrected, by people (1 pathologist)" in after
    assert "labels of accepted images that are right, say 1 pathologist" in after
    assert re.search(r"\| searched \| 90\.0 \([\d.-]+\), n 40 \| 90\.0 ", after)
    assert "gave the right label to 100.0 % of 80 real images on the same sheet" in after
    assert (report / "report.html").read_text("utf-8").count("by people (1 pathologist)") >= 2
    fooling = tables.read(report / "fooling.csv", tables.FOOLING)
    more = fooling["metric"].str.endswith("_people")
    assert set(fooling["mode"][more]) == {"natural", "searched"}
    assert fooling[~more].reset_index(drop=True).equals(naive)
    assert "ana" not in (report / "rating.json").read_text("utf-8")
    assert seal.digests(report) == json.loads((report / "run.json").read_text("utf-8"))["files"]
    seal.check(report)


def test_a_rating_is_sealed_and_scoring_again_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustgan.report.render.render", lambda folder: None)  # this is about the seal
    report = sealed(small(tmp_path / "planted"))
    sheet, other = (written(tmp_path / name, report, 40, wrong) for name, wrong in (("sheet", 0.1), ("other", 0.2)))
    scored(sheet, report)
    rating = report / "rating.json"
    first = rating.read_bytes()
    rating.write_bytes(first.replace(b'"kind": "non-expert"', b'"kind": "pathologist"'))
    with pytest.raises(InputError, match=r"rating\.json changed since"):
        seal.check(report)
    rating.unlink()
    with pytest.raises(InputError, match=r"rating\.json changed since"):
        read_run(report)  # as gates do
    scored(other, report)  # also after somebody tampered with the one before
    assert rating.read_bytes() != first
    scored(sheet, report)
    assert rating.read_bytes() == first
    made = report / "generated.parquet"
    tables.write(tables.read(made, tables.GENERATED).assign(pred=1), tables.GENERATED, made)
    with pytest.raises(InputError, match=r"generated\.parquet changed since"):
        scored(sheet, report)
    assert rating.read_bytes() == first


def test_a_kill_while_the_report_is_rendered_leaves_a_sealed_rating(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    report = sealed(small(tmp_path / "planted"))
    sheet = written(tmp_path / "sheet", report, 40, 0.1)
    monkeypatch.setattr("robustgan.report.render.render", killed)
    with pytest.raises(SystemExit):
        scored(sheet, report)
    seal.check(report)  # so `robustgan report` makes the pages
    assert people.read(report) is not None


def test_from_a_run_into_its_report(tmp_path: Path) -> None:
    """The images of a real search, painted again, rated, and back in the report that judged them."""
    search = TINY.search.model_copy(update={"images": 80, "starts": 40})
    report = write_run(tmp_path / "run", TINY.model_copy(update={"search": search}))
    run = (report / "run.json").read_text("utf-8")
    small(report)
    (made,) = (tmp_path / "run" / "runs" / "forged").glob("*/generated.parquet")
    rows = tables.read(made, tables.GENERATED)  # the untrained generator's images are all bright: one class is refused
    sure = rows["mode"] != "real"
    tables.write(rows.assign(accepted=rows["accepted"] | sure), tables.GENERATED, made)
    shutil.copyfile(made, report / "generated.parquet")
    (report / "run.json").write_text(json.dumps({**json.loads(run), "files": seal.digests(report)}))
    out = tmp_path / "sheet"
    robustgan("rate", "make", str(report), "--out", str(out), "--images", "40", "--accepted")
    key = read_key(out)
    assert key["accepted"][key["kind"] == "generated"].all()
    sheet = pd.read_csv(out / "ratings.csv", dtype=str)
    labels = [CLASSES[label] for label in key["label"]]
    sheet.assign(real_or_generated=key["kind"], label=labels, confidence="4").to_csv(out / "ana.csv", index=False)
    robustgan("rate", "score", str(out), "--into", str(report))
    rating = people.read(report)
    assert rating is not None
    assert {row.mode for row in rating.accepted} == {"natural", "searched"}
    assert all(row.value == 1 for row in rating.accepted if row.images)
    other = small(tmp_path / "other")
    with pytest.raises(InputError, match="images of this sheet are not among"):
        scored(out, other)
    assert not (other / "rating.json").exists()


def test_mistakes_have_exit_code_2(tmp_path: Path) -> None:
    said = robustgan("rate", "make", str(tmp_path), "--out", str(tmp_path / "x"), code=2)
    assert "neither a report nor a folder" in said
    assert "no key there" in robustgan("rate", "score", str(tmp_path / "x"), code=2)


def test_help_has_examples() -> None:
    told = CliRunner().invoke(cli.app, ["rate", "make", "--help"]).output
    assert "robustgan rate make reports/quickstart --out rating" in " ".join(told.split())
