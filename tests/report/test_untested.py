"""What was not tested is read off the run; commands make one attack's rows again."""

import json
import shlex
from pathlib import Path

import pytest

from robustgan.config import override
from robustgan.report.document import Items, Table
from robustgan.report.folder import Folder, read
from robustgan.report.sections import closing, untested

from . import evidence, planted


def said(folder: Folder) -> str:
    return " ".join(
        line for block in untested.section(folder).blocks if isinstance(block, Items) for line in block.items
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("bare") / "planted"
    return read(planted.build(path, repeats=1, levels=(8,), magnifications=(40,)))


def test_a_bare_run_says_everything_that_it_lacks(bare: Folder) -> None:
    text = said(bare)
    for words in (
        "bounded in other ways: L1, L0", "gradient-free attacks) were not tried", "with one seed", "no strength checks",
        "Transfer:", "PNG and JPEG files was not measured", "Operating point:", "no policy",
        "nothing above 8/255 and L2 0.5 was tried", "other threats", "printing",
    ):  # fmt: skip
        assert words.lower() in text.lower(), words
    assert "Control:" not in text
    assert "bfloat16" not in text


def test_what_was_tested_is_not_listed(tmp_path: Path) -> None:
    threat = {"norm": "linf", "eps": 8 / 255}
    config = planted.config(attacks=[{"kind": kind, "threat": threat} for kind in ("square", "pgd")], seeds=[0, 1])
    config["attack_precision"] = "bf16"
    path = planted.build(
        tmp_path / "more", repeats=1, levels=(8,), magnifications=(40,), config=config, policy=evidence.policy(),
        operating=evidence.OPERATING, failures=[{"stage": "x", "reason": "y"}],
    )  # fmt: skip
    evidence.strength(path)
    evidence.survival(path)
    text = said(read(path))
    for words in ("gradient-free", "one seed", "no strength checks", "PNG and JPEG", "Operating point", "no policy"):
        assert words not in text
    assert "bounded in other ways: L2, L1" in text
    assert "not run on densenet: transfer" in text
    assert "1 stage of the run failed" in text
    assert "computed in bfloat16" in text


def test_commands_make_one_attack_alone(bare: Folder) -> None:
    table = next(block for block in closing.reproduce(bare).blocks if isinstance(block, Table))
    assert len(table.rows) == len(bare.config["attacks"])
    title, command = (cell.text for cell in table.rows[-3])
    words = shlex.split(command)
    assert title == "deepfool 8/255"
    assert words[:5] == ["robustgan", "run", "planted", "--set", "seed=0"]
    assert words[5:7] == ["--set", "name=planted-row"]
    changed = override({"attacks": []}, words[8])
    assert changed["attacks"] == [json.loads(json.dumps(bare.config["attacks"][-3]))]
