"""Whole runs whose results are kept behind a URL: any machine goes on where another one stopped."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from robustgan.config import read_yaml
from robustgan.errors import StoreError
from robustgan.execute import Manner
from robustgan.experiment import experiment
from robustgan.journal import Tick, silent
from robustgan.pipeline import build, run, work
from robustgan.remote.address import Address
from robustgan.remote.depot import Depot
from robustgan.seal import SEAL
from robustgan.stage import Place, Stage
from robustgan.work import Work
from tests.remote.conftest import contents

SMOKE = Path(__file__).parents[2] / "configs" / "smoke.yaml"
NOISE = {"kind": "noise", "threat": {"norm": "linf", "eps": 0.1}}


def listed(work: Work) -> None:
    """A step without inputs."""
    (work.folder / "rows.csv").write_text(work.settings["text"], "utf-8")
    (work.folder / "pixels.npy").write_bytes(b"heavy")


def counted(work: Work) -> None:
    """A step that needs another."""
    text = (work.inputs["listed"] / "rows.csv").read_text("utf-8")
    (work.folder / "count.txt").write_text(str(len(text)), "utf-8")


FIRST = Stage(listed, "list", {"text": "four"})
SECOND = Stage(counted, "count", {}, {"listed": FIRST})


class Told:
    """Kinds of the stages that a run made, and of those that it kept."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.kept: list[str] = []

    def __call__(self, stage: Stage, cached: bool) -> Tick:
        (self.kept if cached else self.made).append(stage.kind)
        return silent


def small(attacks: list[dict[str, Any]]) -> dict[str, Any]:
    """The smoke config with less to train."""
    settings = {**read_yaml(SMOKE), "oracles": [], "attacks": attacks}
    settings["models"][0]["training"]["epochs"] = 1
    del settings["strength"]
    return settings


def carried(settings: dict[str, Any], scratch: Path, url: str) -> tuple[Told, dict[str, bytes]]:
    """Run from a scratch folder; say what was made, and return the report but `run.json`, which holds durations."""
    told = Told()
    folder, failures = run(experiment(settings), Place(scratch, scratch, depot=Depot(url)), "planned", told)
    assert failures == []
    assert set(Address(Depot(url).report("smoke")).files()) == set(contents(folder))
    return told, {name: content for name, content in contents(folder).items() if name != SEAL}


def machines(tmp_path: Path, url: str) -> list[Place]:
    """Two scratch folders with one store."""
    return [Place(tmp_path / name, tmp_path, depot=Depot(url)) for name in ("a", "b")]


def test_a_stage_comes_only_when_one_that_is_made_needs_it(url: str, tmp_path: Path) -> None:
    told, here, there = (
        Told(),
        Place(tmp_path / "a", tmp_path, depot=Depot(url)),
        Place(tmp_path / "b", tmp_path, depot=Depot(url)),
    )
    build(FIRST, here, told)
    assert not build(FIRST, there, told).exists()
    assert build(SECOND, there, told) == there.folder(SECOND)
    assert contents(there.folder(FIRST)) == contents(here.folder(FIRST))
    assert (there.folder(SECOND) / "count.txt").read_text("utf-8") == "4"
    assert here.has(SECOND)
    assert (told.made, told.kept) == (["listed", "counted"], ["listed"])


def test_a_copy_that_is_damaged_is_made_again_and_mended_there(url: str, tmp_path: Path) -> None:
    told, here, there = (
        Told(),
        Place(tmp_path / "a", tmp_path, depot=Depot(url)),
        Place(tmp_path / "b", tmp_path, depot=Depot(url)),
    )
    build(FIRST, here, told)
    Address(f"{url}/runs/listed/{FIRST.key}").write("rows.csv", b"five!")
    build(SECOND, there, told)
    assert (there.folder(SECOND) / "count.txt").read_text("utf-8") == "4"
    assert told.made == ["listed", "counted", "listed"]
    assert Address(f"{url}/runs/listed/{FIRST.key}").read("rows.csv") == b"four"


def test_what_was_made_without_the_depot_is_sent_by_the_next_run(url: str, tmp_path: Path) -> None:
    told, place = Told(), Place(tmp_path / "a", tmp_path)
    build(FIRST, place, told)
    build(FIRST, Place(tmp_path / "a", tmp_path, depot=Depot(url)), told)
    assert (told.made, told.kept) == (["listed"], ["listed"])
    assert Depot(url).has("listed", FIRST.key)


def test_machines_share_the_stages_of_a_run_without_a_folder_that_both_see(url: str, tmp_path: Path) -> None:
    (here, there), first, second = machines(tmp_path, url), Told(), Told()
    assert work([FIRST], here, first, Manner()).done == [FIRST]
    assert work([FIRST, SECOND], there, second, Manner()).done == [FIRST, SECOND]
    assert (first.made, second.kept, second.made) == (["listed"], ["listed"], ["counted"])


def test_a_store_that_breaks_ends_the_run_and_loses_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, told = machines(tmp_path, url)[0], Told()

    def fail(at: Address, folder: Path, names: object) -> None:
        raise StoreError(f"{at.url}: gone")

    with monkeypatch.context() as broken:
        broken.setattr(Address, "put", fail)
        with pytest.raises(StoreError, match="gone"):
            work([FIRST, SECOND], place, told, Manner())
    assert told.made == ["listed"]
    assert not place.has(SECOND)
    assert work([FIRST, SECOND], place, told, Manner()).done == [FIRST, SECOND]
    assert told.made == ["listed", "counted"]
    assert all(Depot(url).has(stage.kind, stage.key) for stage in (FIRST, SECOND))


def test_without_a_url_nothing_of_fsspec_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['plan', 'smoke']\n"
        "from robustgan.cli import app\n"
        "app(standalone_mode=False)\n"
        "assert 'robustgan.remote.depot' in sys.modules and 'fsspec' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)


@pytest.mark.slow
def test_another_machine_redoes_nothing_fetches_little_and_mends_what_is_damaged(tmp_path: Path) -> None:
    base, url = small([{"kind": "clean"}, NOISE]), f"memory://{tmp_path.name}"
    first, tables = carried(base, tmp_path / "a", url)
    assert first.kept == []

    second, again = carried(base, tmp_path / "b", url)
    assert second.made == []
    assert second.kept == first.made
    assert again == tables
    assert [path.name for path in (tmp_path / "b/runs").iterdir() if not path.name.startswith(".")] == ["report"]
    assert not list((tmp_path / "b").rglob("*.npy"))

    weights = next((tmp_path / "a/runs/classifier").iterdir()).name
    Address(f"{url}/runs/classifier/{weights}").write("weights.safetensors", b"not the weights")
    more = small([{"kind": "clean"}, NOISE, {"kind": "fgsm", "threat": {"norm": "linf", "eps": 0.1}}])
    third, _ = carried(more, tmp_path / "c", url)
    assert sorted(third.made) == ["attacked", "classifier", "report"]
    assert not list((tmp_path / "c/runs").glob("inspected/*"))  # nothing that was made needs it whole

    shutil.rmtree(tmp_path / "c")
    fourth, _ = carried(more, tmp_path / "c", url)
    assert fourth.made == []


@pytest.mark.slow
def test_the_smoke_run_from_an_empty_scratch_gives_the_same_report(tmp_path: Path) -> None:
    url, settings = f"memory://{tmp_path.name}", read_yaml(SMOKE)
    first, tables = carried(settings, tmp_path / "a", url)
    second, again = carried(settings, tmp_path / "b", url)
    assert (first.kept, second.made) == ([], [])
    assert again == tables
    stages = json.loads((tmp_path / "b/reports/smoke" / SEAL).read_text("utf-8"))["stages"]
    assert stages == json.loads((tmp_path / "a/reports/smoke" / SEAL).read_text("utf-8"))["stages"]
