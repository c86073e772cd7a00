"""Gather what the stages of a run produced into one folder: the whole report is rendered from it, without torch."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from robustgan import tables

SHEETS = {"generator": ("sheet", "progress"), "forged": ("fooling", "walk")}  # pictures that a stage may leave


def gather(inputs: Mapping[str, Path], settings: Mapping[str, Any], folder: Path) -> None:
    """Fill a report folder: tables, curves, pictures, and what they came from.

    Args:
        inputs: folders of finished stages.
        settings: the config, the data's citation, the command, and what failed.
        folder: the report folder to fill; see `report/render.py` for what it reads.
    """
    by_kind: dict[str, list[Path]] = {}
    for path in inputs.values():
        by_kind.setdefault(path.parent.name, []).append(path)
    place = folder / "evidence"
    (place / "sheets").mkdir(parents=True, exist_ok=True)
    _tables(by_kind, folder)
    _curves(by_kind).to_csv(place / "curves.csv", index=False, float_format="%.6g", lineterminator="\n")
    _pictures(by_kind, place)
    _sheets(by_kind, place / "sheets")
    content = {**settings, **_facts(by_kind)}
    (place / "run.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def _tables(by_kind: Mapping[str, list[Path]], folder: Path) -> None:
    place = folder / "evidence"
    splits = [path for path in by_kind["split"] if _settings(path)["split"]["seed"] == _first_seed(by_kind)]
    tables.write(_stacked(splits, "fold.parquet", tables.FOLDS), tables.FOLDS, place / "manifest.parquet")
    tables.write(_stacked(splits, "leaks.csv", tables.LEAKS), tables.LEAKS, place / "leaks.csv")
    judged = [*by_kind.get("attacked", []), *by_kind.get("transferred", [])]
    rows = _stacked(judged, "predictions.parquet", tables.PREDICTIONS)
    tables.write(rows, tables.PREDICTIONS, folder / "predictions.parquet")
    for kind, file, table, target in (
        ("attacked", "survival.parquet", tables.SURVIVAL, folder),
        ("probed", "probes.parquet", tables.PROBES, place),
    ):
        if by_kind.get(kind):
            tables.write(_stacked(by_kind[kind], file, table), table, target / file)
    forged = _stacked(by_kind.get("forged", []), "generated.parquet", tables.GENERATED)
    tables.write(forged, tables.GENERATED, folder / "generated.parquet")


def _first_seed(by_kind: Mapping[str, list[Path]]) -> int:
    """Seed of the victims' split; the oracles' splits carry higher ones."""
    seeds: list[int] = [_settings(path)["split"]["seed"] for path in by_kind["split"]]
    return min(seeds)


def _stacked(folders: list[Path], name: str, table: tables.Table) -> pd.DataFrame:
    frames = [tables.read(folder / name, table) for folder in folders]
    return tables.check(pd.concat(frames, ignore_index=True), table) if frames else tables.empty(table)


def _curves(by_kind: Mapping[str, list[Path]]) -> pd.DataFrame:
    """All `stats.jsonl` in long form."""
    rows = []
    for path, name in _names(by_kind).items():
        if not (path / "stats.jsonl").exists():
            continue
        who = {"network": name, "fold": _settings(path)["fold"]}
        for line in (path / "stats.jsonl").read_text("utf-8").splitlines():
            values = json.loads(line)
            step = values.pop("epoch", None) if "epoch" in values else values.pop("step")
            rows += [{**who, "step": step, "name": name, "value": value} for name, value in values.items()]
    return pd.DataFrame(rows, columns=["network", "fold", "step", "name", "value"])


def _names(by_kind: Mapping[str, list[Path]]) -> dict[Path, str]:
    """What each trained network is called; within a fold no two share a name."""
    made = by_kind.get("generator", [])
    seeds = {_settings(path)["attack_seed"] for path in made}
    names = {path: str(_settings(path)["name"]) for path in by_kind.get("classifier", [])}
    for path in made:
        record = _record(path)
        against = "classifier" in record["inputs"]  # else it is trained without a victim, and named by the attack alone
        name = re.sub(r"^train |, fold \d+$", "", record["name"]) if against else record["settings"]["name"]
        names[path] = name + _seed(path, len(seeds) > 1)
    return names


def _of_generators(by_kind: Mapping[str, list[Path]], file: str) -> dict[str, Any]:
    """What every training of a generator left in a JSON file, by its name and fold."""
    names = _names(by_kind)
    return {
        f"{names[path]}, fold {_settings(path)['fold']}": json.loads((path / file).read_text("utf-8"))
        for path in by_kind.get("generator", [])
        if (path / file).exists()
    }


def _pictures(by_kind: Mapping[str, list[Path]], place: Path) -> None:
    tables_found = []
    for path in by_kind.get("attacked", []):
        if (path / "examples.csv").exists():
            frame = pd.read_csv(path / "examples.csv", keep_default_na=False, na_values={"eps": [""]})
            if len(frame):
                shutil.copytree(path / "examples", place / "examples" / path.name)
                for column in ("clean_png", "adv_png"):
                    frame[column] = frame[column].str.replace("examples/", f"examples/{path.name}/", n=1)
                tables_found.append(frame)
    if tables_found:
        pd.concat(tables_found).to_csv(place / "examples.csv", index=False, float_format="%.6g", lineterminator="\n")


def _sheets(by_kind: Mapping[str, list[Path]], place: Path) -> None:
    """What generators painted, named by generator and fold."""
    names = {**_names(by_kind), **_judged(by_kind)}
    for kind, stems in SHEETS.items():
        for path, stem in itertools.product(by_kind.get(kind, []), stems):
            if (path / f"{stem}.png").exists():
                name = f"{names[path]}-fold{_settings(path)['fold']}-{stem}.png".replace("/", "_")
                shutil.copyfile(path / f"{stem}.png", place / name)


def _judged(by_kind: Mapping[str, list[Path]]) -> dict[Path, str]:
    """What the images of each generator are called; with the classifier where they were judged by several."""
    made = by_kind.get("forged", [])
    seeds = {_settings(path)["attack_seed"] for path in made}
    cells = {path: re.sub(r"^attack |, fold \d+$", "", _record(path)["name"]) for path in made}  # `dcgan on densenet`
    several = len({cell.rpartition(" on ")[2] for cell in cells.values()}) > 1
    names = {path: cell if several else cell.rpartition(" on ")[0] for path, cell in cells.items()}
    return {path: name + _seed(path, len(seeds) > 1) for path, name in names.items()}


def _seed(path: Path, several: bool) -> str:
    return f", seed {_settings(path)['attack_seed']}" if several else ""


def _facts(by_kind: Mapping[str, list[Path]]) -> dict[str, Any]:
    """Versions, devices, networks."""
    runs = [json.loads((path / "run.json").read_text("utf-8")) for paths in by_kind.values() for path in paths]
    heavy = [
        r["device"] for r in runs if r["stage"] in ("classifier", "generator", "attacked", "transferred", "forged")
    ]
    models: dict[str, Any] = {}
    for path in by_kind.get("classifier", []):
        card = json.loads((path / "card.json").read_text("utf-8"))
        entry = models.setdefault(card["name"], {"parameters": card["parameters"], "weights_sha256": {}})
        entry["weights_sha256"][str(card["fold"])] = card["weights_sha256"]
    return {
        "versions": runs[0]["versions"],
        "device": ", ".join(sorted(set(heavy))),
        "models": models,
        "generators": _of_generators(by_kind, "status.json"),
        "checks": _of_generators(by_kind, "checks.json"),
        "operating": {found["name"]: found for found in _documents(by_kind.get("operating", []), "operating.json")},
        "inspection": _of_models(by_kind.get("inspected", []), "inspection.json"),
        "probing": _of_models(by_kind.get("probed", []), "probing.json"),
    }


def _of_models(folders: list[Path], file: str) -> dict[str, dict[str, Any]]:
    """What every fold of a model left in a JSON file, by model and fold."""
    found: dict[str, dict[str, Any]] = {}
    for path in folders:
        if (path / file).exists():
            settings = _settings(path)
            found.setdefault(settings["name"], {})[str(settings["fold"])] = _documents([path], file)[0]
    return found


def _documents(folders: list[Path], file: str) -> list[Any]:
    return [json.loads((path / file).read_text("utf-8")) for path in folders]


def _settings(path: Path) -> dict[str, Any]:
    settings: dict[str, Any] = _record(path)["settings"]
    return settings


def _record(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((path / "run.json").read_text("utf-8"))
    return record
