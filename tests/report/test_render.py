import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from robustgan import tables
from robustgan.errors import InputError
from robustgan.report import markdown
from robustgan.report.document import Table
from robustgan.report.folder import read
from robustgan.report.render import compose, render

from . import planted

WRITTEN = ("report.md", "report.html", "metrics.csv", "fooling.csv", "tables", "figures")


def digests(folder: Path) -> dict[str, str]:
    files = [path for name in WRITTEN for path in [folder / name, *(folder / name).glob("*")] if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_evidence_gives_the_same_bytes_in_another_folder(rendered: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(rendered, tmp_path / rendered.name)
    (copy / "figures" / "stale.png").write_bytes(b"from an older run")
    for name in ("report.md", "report.html", "metrics.csv"):
        (copy / name).unlink()
    render(copy)
    assert digests(copy) == digests(rendered)
    assert {f"tables/{name}.tex" for name in ("clean", "drops", "fooling")} <= set(digests(copy))


def test_nothing_of_torch_is_imported(rendered: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from robustgan.report import render
from robustgan.report.folder import read
read(Path({str(rendered)!r}))
print([name for name in ("torch", "torchvision", "timm", "art") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_csv_files_are_the_tables_themselves(rendered: Path) -> None:
    assert len(tables.read(rendered / "metrics.csv", tables.METRICS)) > 100
    assert set(tables.read(rendered / "fooling.csv", tables.FOOLING)["mode"]) == {
        "real",
        "natural",
        "searched",
        "walked",
    }


def test_the_headline_says_what_the_rows_say(rendered: Path) -> None:
    rows = pd.read_parquet(rendered / "predictions.parquet")
    pgd = rows[(rows["attack"] == "pgd") & (rows["norm"] == "linf") & ((rows["eps"] - 8 / 255).abs() < 1e-9)]
    found = pgd[(pgd["label"] == 1) & (pgd["clean_pred"] == 1)]
    missed = (found["pred"] == 0).sum()
    text = (rendered / "report.md").read_text("utf-8")
    malignant = pgd[pgd["label"] == 1]
    before, after = (f"{100 * malignant[name].mean():.1f} %" for name in ("clean_pred", "pred"))
    assert f"{missed} of {len(found)} cancer images found before are missed" in text
    assert f"pooled sensitivity from {before} to {after}" in text
    assert "no channel of any pixel changed by more than 8/255, PGD takes" in text


FACTS = {  # columns of numbers that estimate nothing: sizes, settings, limits
    "Images", "Patients", "Images (patients)", "Malignant images", "Real images", "Budget", "Threshold", "Limit",
    "Parameters", "Fold", "Also in train", "train", "val", "test", "both", "Forward passes an image",
    "Gradients an image", "Images asked about", "Step",
}  # fmt: skip
RESTS = re.compile(r"(?:^| )\d[\d,]* (?:malignant |real )?images?(?: of \d[\d,]* patients?)?")


def test_every_estimate_says_what_it_rests_on(rendered: Path) -> None:
    bare, told = set(), 0
    for section in compose(read(rendered)).sections:
        for table in (block for block in section.blocks if isinstance(block, Table)):
            for row in table.rows:
                pairs = list(zip(table.columns, row, strict=True))
                told += sum(bool(RESTS.search(cell.hint)) for cell in row)
                if any(name == "Images" and cell.order != cell.order for name, cell in pairs):
                    continue  # a gate or a check that counts no images
                shown = [pair for pair in pairs if pair[1].numeric and pair[1].text and pair[1].order == pair[1].order]
                bare |= {(section.anchor, name) for name, cell in shown if not cell.hint and name not in FACTS}
    assert {place for place in bare if place[0] != "data"} == set()
    assert told > 300


def test_markdown_and_html_hold_the_same_tables(rendered: Path) -> None:
    text = (rendered / "report.md").read_text("utf-8")
    html = (rendered / "report.html").read_text("utf-8")
    cells = re.findall(r"\d+\.\d \(-?\d+\.\d(?:-| to )-?\d+\.\d\)", text)
    assert len(cells) > 200
    assert all(cell in html for cell in cells)


def test_figures_are_linked_and_have_words(rendered: Path) -> None:
    links = re.findall(r"!\[([^\n]*?)\]\((\S+?)\)", (rendered / "report.md").read_text("utf-8"))
    assert len(links) >= 12
    assert all((rendered / path).is_file() and len(alt) > 20 for alt, path in links)


def test_no_durations_and_no_dates(rendered: Path) -> None:
    for name in ("report.md", "report.html"):
        text = re.sub(r"data:image/png;base64,\S+", "", (rendered / name).read_text("utf-8"))
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", text)


def test_a_classifier_that_does_not_work_is_said_first_and_no_drop_is_printed(hostile: Path) -> None:
    text = (hostile / "report.md").read_text("utf-8")
    answer = text.index("## The answer")
    assert answer < text.index("does not work on the test patients") < text.index("## What was tested")
    drops = text[text.index("## Drops under attack") : text.index("## Missed cancers")]
    lines = [line for line in drops.splitlines() if line.startswith("| ") and "sensitivity" in line]
    assert lines
    assert all("n/a (clean classifier fails)" in line for line in lines)
    assert not list((hostile / "figures").glob("drops-*"))
    flips = text[text.index("## Missed cancers") : text.index("## Control")]
    assert not re.search(r"\d+\.\d \(", flips)


def test_weak_attacks_are_named_and_a_generator_above_pgd_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(planted.STRENGTH, "fgsm", 0.05)
    monkeypatch.setitem(planted.STRENGTH, "pgd", 0.4)
    folder = planted.build(tmp_path / "weak", patients=30, repeats=1, levels=(8,), magnifications=(40,))
    render(folder)
    text = (folder / "report.md").read_text("utf-8")
    assert "do not beat noise by 10 points and say nothing about robustness: FGSM 8/255." in text
    assert "AdvGAN 8/255 turns" in text
    assert "The gradient attack was not strong enough here" in text


def test_a_split_that_leaks_is_said_first(rendered: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(rendered, tmp_path / "copy")
    leaks = tables.read(copy / "evidence" / "leaks.csv", tables.LEAKS).assign(leaked=3)
    tables.write(leaks, tables.LEAKS, copy / "evidence" / "leaks.csv")
    top = markdown.text(compose(read(copy))).split("## What was tested")[0]
    assert "The split leaks" in top
    assert "never saw in training" not in top


def test_no_attack_no_image_and_failed_stages_still_give_a_report(tmp_path: Path) -> None:
    failures = [{"stage": "classifier densenet, fold 1", "reason": "loss is not finite"}]
    folder = planted.build(tmp_path / "empty", patients=5, repeats=1, levels=(8,), failures=failures)
    tables.write(tables.empty(tables.PREDICTIONS), tables.PREDICTIONS, folder / "predictions.parquet")
    tables.write(tables.empty(tables.GENERATED), tables.GENERATED, folder / "generated.parquet")
    (folder / "evidence" / "examples.csv").unlink()
    render(folder)
    text = (folder / "report.md").read_text("utf-8")
    assert "1 stage of this run failed: classifier densenet, fold 1." in text
    assert "loss is not finite" in text
    assert "No image was judged" in text


def test_a_single_magnification_is_shown_once(tmp_path: Path) -> None:
    folder = planted.build(tmp_path / "one", patients=10, repeats=1, levels=(8,), magnifications=(40,))
    render(folder)
    clean = (folder / "report.md").read_text("utf-8").split("## Clean performance")[1].split("## ")[0]
    assert [line.split("|")[1].strip() for line in clean.splitlines() if line.startswith("| ")][2:] == ["40X"]


TABLES = ("predictions.parquet", "generated.parquet", "evidence/manifest.parquet", "evidence/leaks.csv")


@pytest.mark.parametrize("name", [*TABLES, "evidence/curves.csv", "evidence/run.json"])
def test_a_missing_or_broken_file_is_named(rendered: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(rendered, tmp_path / "copy")
    (copy / name).write_text("{ not what it was", "utf-8")
    with pytest.raises(InputError, match=re.escape(name)):
        render(copy)
    (copy / name).unlink()
    with pytest.raises(InputError, match=re.escape(f"{name}: no such file")):
        render(copy)


def test_pictures_are_checked(rendered: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(rendered, tmp_path / "copy")
    sheet = copy / "evidence" / "sheets" / "dcgan-fold1-sheet.png"
    sheet.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"dcgan-fold1-sheet\.png: cannot be read as an image"):
        render(copy)
    sheet.unlink()
    table = copy / "evidence" / "examples.csv"
    table.write_text(table.read_text("utf-8").replace("examples/", "../../outside/", 1), "utf-8")
    with pytest.raises(InputError, match="leaves the folder"):
        render(copy)


def test_run_json_without_a_key_says_which(rendered: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(rendered, tmp_path / "copy")
    (copy / "evidence" / "run.json").write_text('{"config": {}}', "utf-8")
    with pytest.raises(InputError, match=r"run\.json: missing or of another type: versions \(dict\), device \(str\)"):
        render(copy)


def test_transfer_is_shown_apart_from_the_attacks_on_the_classifier_itself(tmp_path: Path) -> None:
    folder = planted.build(tmp_path / "two")
    rows = tables.read(folder / "predictions.parquet", tables.PREDICTIONS)
    other = rows.assign(model="other", source="other")
    moved = rows[rows["attack"].isin(["pgd", "advgan"])].assign(model="other")
    both = pd.concat([rows, other, moved], ignore_index=True)
    tables.write(both, tables.PREDICTIONS, folder / "predictions.parquet")
    render(folder)
    text = (folder / "report.md").read_text("utf-8")
    apart = text[text.index("## Transfer") : text.index("## ", text.index("## Transfer") + 5)]
    assert "| densenet | other |" in apart
    assert "made on densenet" not in text.replace(apart, "")
    drawn = sorted(path.name for path in (folder / "figures").glob("transfer-*"))
    assert drawn == ["transfer-advgan.png", "transfer-pgd.png"]
    assert "## Transfer" not in (planted_report(tmp_path) / "report.md").read_text("utf-8")


def planted_report(tmp_path: Path) -> Path:
    folder = planted.build(tmp_path / "one")
    render(folder)
    return folder


@pytest.mark.parametrize("share", [0.95, 0.7])
def test_fooling_rates_stop_where_labels_do_not_hold(tmp_path: Path, share: float) -> None:
    folder = planted.build(tmp_path / "one")
    made = tables.read(folder / "generated.parquet", tables.GENERATED)
    sure = (made.groupby("mode").cumcount() % 100 < 100 * share).to_numpy()
    tables.write(made.assign(oracle_mean=sure * 0.9), tables.GENERATED, folder / "generated.parquet")
    render(folder)
    text = (folder / "report.md").read_text("utf-8")
    assert ("Fooling rate, natural" in text) == (share > 0.8)
    assert ("not label-faithful" in text) == (share < 0.8)


def test_rates_of_generated_images_are_quoted_with_their_n(rendered: Path) -> None:
    text = (rendered / "report.md").read_text("utf-8")
    assert re.search(r"it gets wrong [\d.]+ \([\d.]+-[\d.]+\) % of \d+; after a search in latent space, ", text)
