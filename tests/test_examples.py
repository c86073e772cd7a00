"""The examples hold what their formats ask for, and every command in them is one that robustgan has."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from robustgan.gates import read_policy
from robustgan.shipped import configs, policies
from tests.test_cli import robustgan

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.load((ROOT / "examples/github/robustness.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
PRECOMMIT = yaml.safe_load((ROOT / "examples/pre-commit/.pre-commit-config.yaml").read_text("utf-8"))
JOBS = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]


def test_actions_are_pinned_to_commits_and_their_versions_are_said() -> None:
    text = (ROOT / "examples/github/robustness.yaml").read_text("utf-8")
    pinned = re.findall(r"uses: (?:actions|github)/[a-z-]+(?:/[a-z-]+)?@[0-9a-f]{40} # v\d+\.\d+\.\d+\n", text)
    assert len(pinned) == len([step for step in STEPS if "uses" in step]) == 5


def test_nothing_may_do_more_than_it_must() -> None:
    assert WORKFLOW["permissions"] == {}
    writes = {name: {k for k, v in job["permissions"].items() if v == "write"} for name, job in JOBS.items()}
    assert writes == {"audit": set(), "publish": {"security-events", "pull-requests"}, "verdict": set()}


def test_code_of_a_pull_request_meets_no_token_that_can_write() -> None:
    for job in JOBS.values():
        runs_code = any(
            "checkout" in step.get("uses", "") or "robustgan " in step.get("run", "") for step in job["steps"]
        )
        assert not (runs_code and "write" in job["permissions"].values())


def test_no_expression_of_others_is_pasted_into_a_script() -> None:
    assert not any("${{" in step.get("run", "") for step in STEPS)


def test_the_names_in_the_workflow_exist() -> None:
    assert WORKFLOW["env"]["CONFIG"] in configs()
    assert WORKFLOW["env"]["POLICY"] in policies()


def commands() -> list[str]:
    """Every robustgan command of the examples."""
    found = [
        line.partition(" || ")[0]
        for step in STEPS
        for line in step.get("run", "").replace("\\\n", " ").splitlines()
        if line.startswith("robustgan ")
    ]
    hook = PRECOMMIT["repos"][0]["hooks"][0]
    entries = {entry["id"]: entry["entry"] for entry in HOOKS}
    return [
        *found,
        shlex.join([*shlex.split(entries[hook["id"]]), *hook["args"]]),
        PRECOMMIT["repos"][1]["hooks"][0]["entry"],
    ]


@pytest.mark.parametrize("command", commands())
def test_every_option_is_one_that_the_command_has(command: str) -> None:
    words = shlex.split(command)
    told = robustgan(words[1], "--help", env={"COLUMNS": "200"})
    options = [word for word in words if word.startswith("--")]
    assert options
    assert all(re.search(rf"{option}\b", told) for option in options)


def test_the_hook_looks_at_what_a_report_holds() -> None:
    (hook,) = HOOKS
    assert {"id", "name", "entry", "language", "files", "pass_filenames"} <= set(hook)
    pattern = re.compile(hook["files"])
    for path in ("reports/audit/predictions.parquet", "reports/audit/evidence/run.json", "configs/policies/my.yaml"):
        assert pattern.search(path)
    assert not pattern.search("reports/audit/report.html")


def test_policies_name_the_schema_that_editors_check_with() -> None:
    for path in policies().values():
        assert (path.parent / re.search(r"\$schema=(\S+)", path.read_text("utf-8"))[1]).resolve().exists()
        read_policy(path)
