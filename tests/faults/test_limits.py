"""`--fail-fast` and `--max-hours` at the command line: what is left undone, the exit code, and how it goes on."""

import shutil
from pathlib import Path

from robustgan import store
from robustgan.stage import Stage
from tests.faults.conftest import Ask, Undisturbed, finished, printed, same, todo, undo

BAD, LATER = "attack fgsm linf 8/255 on other", "attack advgan linf 8/255 on other"


def fail(out: Path, stage: Stage) -> None:
    """Write down that a stage failed in an earlier run."""
    record = {"stage": stage.kind, "name": stage.name, "key": stage.key, "kind": "failed", "error": "RunError"}
    store.record_failure(out / "runs", {**record, "reason": "a planted reason", "host": "h", "pid": 1, "at": 0.0})


def forget_reports(out: Path, whole: Path) -> None:
    """Remove the reports that say what was not done: an undisturbed run has none."""
    for name in set(finished(out)) - set(finished(whole)):
        assert name.startswith("report/")
        shutil.rmtree(finished(out)[name])


def test_fail_fast_begins_nothing_after_the_first_failure_and_leaves_with_3(
    ask: Ask, undisturbed: Undisturbed, copy: Path
) -> None:
    bad, later = undo(copy, BAD, LATER)
    fail(copy, next(stage for stage in todo(copy) if stage.name.startswith(BAD)))
    assert ask(copy, {"more": ["--fail-fast"]}) == [3], printed(copy)
    assert "a planted reason Stopped there (--fail-fast); the same command goes on." in printed(copy)
    assert not later.exists()
    assert ask(copy) == [3], printed(copy)
    assert later.exists()  # without the option the others are done
    assert ask(copy, {"more": ["--fail-fast", "--retry-failed"]}) == [0], printed(copy)
    assert bad.exists()
    forget_reports(copy, undisturbed.out)
    same(copy, undisturbed.out)


def test_max_hours_begins_nothing_new_afterwards_and_leaves_with_3(
    ask: Ask, undisturbed: Undisturbed, copy: Path
) -> None:
    (later,) = undo(copy, LATER)
    assert ask(copy, {"more": ["--max-hours", "0"]}) == [3], printed(copy)
    assert f"FAILED {LATER}, fold 1: not run: 0 hours were over (--max-hours)" in printed(copy)
    assert not later.exists()
    assert ask(copy, {"more": ["--max-hours", "1"]}) == [0], printed(copy)  # what was not begun did not fail
    forget_reports(copy, undisturbed.out)
    same(copy, undisturbed.out)
