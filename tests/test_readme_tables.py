"""The README's tables of generators: what stands in planted reports, and nothing else."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks import readme, readme_advgan, readme_dcgan
from robustgan import metrics, tables
from tests.report import planted

ATTACKS: list[dict[str, Any]] = [
    {"kind": "noise", "name": ""},
    {"kind": "pgd", "name": "", "steps": 20},
    {"kind": "pgd", "name": "pgd-5", "steps": 5},
    {"kind": "advgan", "name": "", "goal": "any"},
    {"kind": "advgan", "name": "advgan-hide", "goal": "hide"},
    {"kind": "advgan", "name": "black box", "goal": "any"},
]
VALUES = {"noise": 0.02, "pgd": 0.97, "pgd-5": 0.5, "advgan": 0.91, "advgan-hide": 0.44, "black box": 0.8}


def written(folder: Path, run: dict[str, Any]) -> None:
    (folder / "evidence").mkdir(parents=True, exist_ok=True)
    (folder / "evidence" / "run.json").write_text(json.dumps(run))


def rows(model: str, source: str, factor: float = 1.0) -> pd.DataFrame:
    empty: dict[str, Any] = {name: "" if c.dtype == "string" else math.nan for name, c in tables.METRICS.items()}
    found = [
        {**empty, "model": model, "source": source, "attack": attack, "norm": "linf", "eps": 8 / 255, "seed": 0,
         "unit": "image", "magnification": where, "subtype": "all", "metric": metric, "images": 1234, "groups": 50,
         "value": value * factor * share, "low": value * factor * share - 0.01, "high": value * factor * share + 0.01}
        for attack, value in VALUES.items()
        for metric, share in (("attack_success", 1.0), ("missed_cancers", 0.5), ("false_alarms", 0.1))
        for where in ("40X", "pooled")
    ]  # fmt: skip
    return pd.DataFrame(found)


def test_each_mode_stands_beside_pgd_20_and_noise_on_the_images_of_its_goal(tmp_path: Path) -> None:
    folder = tmp_path / "advgan"
    used = {"queries": {"used": 30_000}}
    checks = {f"black box linf 8/255 on densenet, fold {fold}": used for fold in (1, 2)}
    written(folder, {"config": {"attacks": ATTACKS}, "checks": {**checks, "advgan linf 8/255 on densenet, fold 1": {
        "queries": None}}})  # fmt: skip
    tables.write(rows("densenet", "densenet"), tables.METRICS, folder / "metrics.csv")
    lines = readme_advgan.table(tmp_path).splitlines()[2:]
    assert lines == [
        "| [simulated tissue, four magnifications](reports/advgan/report.md) | advgan | 8/255 | all | "
        "91.0 (90.0–92.0) | 1,234 | 97.0 (96.0–98.0) | 2.0 (1.0–3.0) |  |  |",
        "|  | advgan-hide | 8/255 | malignant | 22.0 (21.0–23.0) | 1,234 | 48.5 (47.5–49.5) | 1.0 (0.0–2.0) |  |  |",
        "|  | black box | 8/255 | all | 80.0 (79.0–81.0) | 1,234 | 97.0 (96.0–98.0) | 2.0 (1.0–3.0) |  | 60,000 |",
    ]


def test_what_moves_to_other_classifiers_is_a_range(tmp_path: Path) -> None:
    folder = tmp_path / "transfer"
    written(folder, {"config": {"attacks": ATTACKS}})
    parts = [rows("a", "a"), rows("b", "a", 0.1), rows("c", "a", 0.2), rows("b", "b", 0.9)]
    tables.write(pd.concat(parts), tables.METRICS, folder / "metrics.csv")
    lines = readme_advgan.table(tmp_path).splitlines()[2:]
    assert "| advgan on a | 8/255 | all | 91.0 (90.0–92.0) | 1,234 | 97.0" in lines[0]
    assert lines[0].endswith("| 9.1 to 18.2 |  |")
    assert "| advgan on b | 8/255 | all | 81.9" in lines[1]


def forged(folder: Path, oracle_mean: float, statuses: dict[str, Any], names: tuple[str, ...] = ("dcgan",)) -> None:
    attacks = [{"kind": "clean", "name": ""}, *({"kind": "dcgan", "name": name} for name in names)]
    written(folder, {"config": {"attacks": attacks}, "generators": statuses})
    made = planted.generated().assign(attack="dcgan")
    made["oracle_mean"] = made["oracle_mean"].where(made["oracle_mean"] < 0.5, oracle_mean)
    tables.write(metrics.fooling(made), tables.FOOLING, folder / "fooling.csv")


def status(**labels: float) -> dict[str, Any]:
    most = zip(labels, (0.02, 0.06), strict=False)  # what 95 % of real draws stay under
    values = {
        name: {"kid_scatter": 9.0, "kid_scatter_train": labels[name], "kid_scatter_floor_high": high}
        for name, high in most
    }
    return {"status": "ok", "kid_scatter": 0.3, "fidelity": {"extractor": "scatter", "labels": values}}


def test_rates_of_a_faithful_dcgan_stand_beside_the_floor(tmp_path: Path) -> None:
    forged(tmp_path / "dcgan", 0.95, {"dcgan, fold 1": status(benign=0.05, malignant=0.12)})
    (line,) = readme_dcgan.table(tmp_path).splitlines()[2:]
    fooling = tables.read(tmp_path / "dcgan" / "fooling.csv", tables.FOOLING)
    pooled = fooling.query("magnification == 'pooled' and label == 'both' and metric == 'fooling_rate'")
    for mode in readme_dcgan.MODES:
        row = pooled[pooled["mode"] == mode].iloc[0]
        assert f"| {100 * row['value']:.1f} (" in line
        assert f", n {row['images']:,} |" in line
    assert "| 0.050 / 0.020 (benign) |" in line  # 2.5 times; malignant is further, but 2 times
    worst = fooling.query("mode == 'natural' and metric == 'oracle_accuracy' and label != 'both'")["value"].min()
    assert f"| dcgan | {100 * worst:.1f} (" in line


def without(name: str) -> dict[str, Any]:
    entry = status(benign=0.05)
    del entry["fidelity"]["labels"]["benign"][name]
    return entry


@pytest.mark.parametrize(
    "entry", [status(), {"status": "ok"}, without("kid_scatter_train"), without("kid_scatter_floor_high")]
)
def test_no_rate_where_labels_do_not_hold_and_no_distance_where_it_is_unknown(
    tmp_path: Path, entry: dict[str, Any]
) -> None:
    forged(tmp_path / "dcgan_idc", 0.3, {"dcgan, fold 1": entry})
    (line,) = readme_dcgan.table(tmp_path).splitlines()[2:]
    assert line.endswith("|  | not label-faithful |  |  |  |")


def test_a_class_whose_labels_hold_does_not_pay_for_the_other(tmp_path: Path) -> None:
    forged(tmp_path / "dcgan", 0.95, {"dcgan, fold 1": status(benign=0.05)})
    made = planted.generated()
    made["oracle_mean"] = 0.95 * ((made["label"] == 0) | (made.groupby(["mode", "label"]).cumcount() % 100 < 63))
    tables.write(metrics.fooling(made), tables.FOOLING, tmp_path / "dcgan" / "fooling.csv")
    (line,) = readme_dcgan.table(tmp_path).splitlines()[2:]
    assert line.endswith("| not label-faithful |  |  |  |")


def test_a_generator_that_the_monitor_refused_is_named(tmp_path: Path) -> None:
    lost = {**status(benign=5.0), "status": "COLLAPSED", "reason": "variety 0.1"}
    statuses = {"dcgan, fold 1": status(benign=0.1), "high-rates, fold 1": lost}
    forged(tmp_path / "gan_stability", 0.95, statuses, ("", "high-rates"))
    first, second = readme_dcgan.table(tmp_path).splitlines()[2:]
    assert first.startswith("| [training rules, simulated tissue](reports/gan_stability/report.md) | dcgan | ")
    assert second == "|  | high-rates |  | 5.000 / 0.020 (benign) | refused by the monitor: COLLAPSED |  |  |  |"


def test_suites_without_a_report_are_left_out(tmp_path: Path) -> None:
    assert readme.generators(tmp_path) == ""
    forged(tmp_path / "dcgan", 0.95, {"dcgan, fold 1": status(benign=0.05)})
    assert readme.generators(tmp_path) == readme_dcgan.table(tmp_path)
