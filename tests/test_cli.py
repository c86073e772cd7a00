"""The command line: what people type, what they are told, and the exit code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robustgan import cli, cli_run
from robustgan.config import read_yaml
from robustgan.datasets.synthetic import Synthetic
from robustgan.errors import InputError
from robustgan.experiment import experiment

CONFIGS = Path(__file__).parents[1] / "configs"


def robustgan(*words: str, cwd: Path | None = None, code: int = 0, env: dict[str, str] | None = None) -> str:
    """Run the command in a process of its own; return what it printed."""
    command = [sys.executable, "-m", "robustgan", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **(env or {})})
    assert done.returncode == code, done.stdout + done.stderr
    assert code == 0 or "Traceback" not in done.stderr
    return done.stdout + done.stderr


BLOCKER = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "timm", "torchvision", "torchmetrics"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """An environment in which torch and timm cannot be imported (ART, which needs them, is looked at but never run)."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCKER)
    return {"PYTHONPATH": str(tmp_path / "site")}


def test_a_plan_needs_no_torch(tmp_path: Path, without_torch: dict[str, str]) -> None:
    rows = json.loads(robustgan("plan", "quickstart", "--json", "--out", str(tmp_path), env=without_torch))
    assert {row["stage"] for row in rows} == {
        "manifest",
        "pixels",
        "split",
        "classifier",
        "inspected",
        "generator",
        "attacked",
        "forged",
    }
    assert not any(row["cached"] for row in rows)
    assert list(tmp_path.iterdir()) == [tmp_path / "site"]


@pytest.mark.parametrize("what", ["attacks", "datasets", "models", "metrics", "configs", "policies", "gates"])
def test_lists_say_what_each_thing_is(what: str, without_torch: dict[str, str]) -> None:
    found = json.loads(robustgan("list", what, "--json", env=without_torch))
    assert len(found) >= 3
    assert all(found.values())


def test_help_has_examples() -> None:
    assert "robustgan run quickstart" in robustgan("run", "--help")


def test_the_published_schema_is_the_code_s(without_torch: dict[str, str]) -> None:
    printed = json.loads(robustgan("schema", env=without_torch))
    assert printed == json.loads((CONFIGS / "schema.json").read_text("utf-8")), (
        "run: robustgan schema > configs/schema.json"
    )


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_is_valid_and_survives_its_settings(path: Path) -> None:
    plan = experiment(read_yaml(path))
    assert experiment(plan.settings()) == plan
    assert plan.name == path.stem
    assert path.read_text("utf-8").startswith("# yaml-language-server: $schema=schema.json")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "quikstart"), "Did you mean `quickstart`?"),
        (("run", "none.yaml"), "none.yaml: no such file"),
        (("plan", "smoke", "--set", "sed=1"), "sed: unknown setting.*Did you mean `seed`?"),
        (("plan", "smoke", "--set", "split.fold=[2]"), "split.fold: unknown setting.*Did you mean `folds`?"),
        (("plan", "smoke", "--set", "attacks.1.kind=advgna"), "attacks: no kind `advgna`.*Did you mean `advgan`?"),
        (("plan", "smoke", "--set", "attacks.1.threat.eps=0"), "attacks.1.*eps.*greater than 0"),
        (("plan", "smoke", "--set", "models.0.training.lr=fast"), "lr.*found 'fast'"),
        (("plan", "smoke", "--set", "pixels.size=48"), "dcgan.size: found 32, allowed is pixels.size, 48"),
        (("plan", "smoke", "--set", "seed"), "expected KEY=VALUE"),
        (("data", "audit"), "give either a ROOT or --config"),
        (("report", "nowhere"), "nowhere"),
    ],
)
def test_mistakes_are_explained_with_exit_code_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    printed = robustgan(*words, cwd=tmp_path, code=2)
    assert re.search(said, printed.replace("\n", " ")), printed


def test_two_attacks_of_one_name_are_refused(tmp_path: Path) -> None:
    printed = robustgan("plan", "smoke", "--set", "attacks.2={kind: clean}", cwd=tmp_path, code=2)
    assert "found twice: clean" in printed


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "robustgan", "run", "none.yaml", "--debug"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "Traceback" in done.stderr


def test_a_full_disk_is_explained() -> None:
    code, text = cli._explain(OSError(28, "No space left on device", "runs/x"))
    assert code == 2
    assert text.startswith("runs/x: No space left on device. Nothing finished is lost")


def test_an_output_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    printed = robustgan("run", "smoke", "--out", str(tmp_path / "file"), code=2)
    assert "file" in printed


def test_doctor_finds_this_machine_fit() -> None:
    facts = json.loads(robustgan("doctor", "--json"))
    assert facts["problems"] == []
    assert facts["torch"][0].isdigit()


def test_synthetic_data_can_be_written_and_audited(tmp_path: Path) -> None:
    sizes = ["--set", "patients=12", "--set", "fields=1", "--set", "width=48", "--set", "height=32"]
    robustgan("data", "synth", str(tmp_path / "tree"), *sizes)
    printed = robustgan("data", "audit", str(tmp_path / "tree"), "--partial")
    assert "400X" in printed
    assert "exists already" in robustgan("data", "synth", str(tmp_path / "tree"), *sizes, code=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--shard", "5/4"), "--shard: found 5/4, expected i/n"),
        (("--shard", "two"), "--shard: found two, expected i/n"),
        (("--image-shards", "0"), "Invalid value for '--image-shards'"),
        (("--scheduler", "tcp://x:1"), "it belongs to --backend dask or slurm"),
        (("--backend", "here", "--workers", "2"), "found 2 with --backend here, which is this process alone"),
        (("--backend", "slurm", "--shard", "1/2"), "makes the shards itself"),
        (("--backend", "slurm"), "--backend slurm: Could not detect .srun."),
    ],
)
def test_where_cells_run_is_checked_before_anything_runs(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    printed = robustgan("run", "smoke", "--out", str(tmp_path), *words, code=2)
    assert re.search(said, printed.replace("\n", " ")), printed
    assert not (tmp_path / "runs").exists() or "slurm" in words


def test_jobs_of_slurm_cut_cells_as_they_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def array(plan: object, place: object, words: list[str], shards: int, parameters: str) -> None:
        told.extend(words)
        raise InputError("planted")

    monkeypatch.setattr(cli_run, "carry_out_array", array)
    words = ["run", "smoke", "--out", str(tmp_path), "--backend", "slurm", "--workers", "3"]
    assert isinstance(CliRunner().invoke(cli.app, [*words, "--image-shards", "4"]).exception, InputError)
    assert told == ["run", "smoke", "--image-shards=4"]
    told.clear()
    CliRunner().invoke(cli.app, [*words, "--profile", "--fail-fast", "--max-hours", "2"])
    assert told == ["run", "smoke", "--fail-fast", "--max-hours=2.0", "--profile"]
    told.clear()
    CliRunner().invoke(cli.app, words)
    assert told == ["run", "smoke"]


@pytest.mark.parametrize(
    ("more", "recorded"),
    [
        ([], "robustgan run smoke --set seed=1"),
        (["--data", "my data"], "robustgan run smoke --set seed=1 --data 'my data'"),
        (["--out", "o", "--data", "d"], "robustgan run smoke --set seed=1 --data d --out o"),
        (["--threads", "2", "--out", "o"], "robustgan run smoke --set seed=1 --out o --threads 2"),
    ],
)
def test_the_recorded_command_names_the_folders_and_threads_that_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], recorded: str
) -> None:
    found: list[object] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUSTGAN_DATA", "from the environment")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(cli_run, "carry_out", lambda plan, place, command, *rest: found.append(command))
    done = CliRunner().invoke(cli.app, ["run", "smoke", "--set", "seed=1", *more])
    assert done.exit_code == 0, done.output
    assert found == [recorded]


def test_a_backend_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from robustgan import execute

    monkeypatch.setattr(execute.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(execute.InputError, match=r"pip install 'robustgan\[dask\]'"):
        execute.choose("dask", 1, "")


def test_a_command_reads_its_data_set_once_and_the_next_one_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def fingerprint(self: Synthetic, root: Path) -> str:
        reads.append(f"the bytes of read {len(reads)}")
        return reads[-1]

    monkeypatch.setattr(Synthetic, "fingerprint", fingerprint)
    run = ["run", "smoke", "--out", str(tmp_path), "--max-hours", "0", "--retry-failed", "--image-shards", "2"]
    for more in ([], ["--shard", "1/2"]):
        before = len(reads)
        CliRunner().invoke(cli.app, [*run, *more])  # it plans two or three times, and begins nothing
        assert len(reads) == before + 1
    plan = ["plan", "smoke", "--out", str(tmp_path), "--json"]
    first, second = (json.loads(CliRunner().invoke(cli.app, plan).stdout) for _ in range(2))
    assert first[0]["key"] != second[0]["key"]
