"""What a machine does to a long run: signals, full and closed disks, wrong clocks, dead hosts, two runs at once."""

import errno
import json
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import Ask, Undisturbed, points, printed, same, undo

ELSEWHERE = {"host": "far", "machine": "far away", "pid": 1, "born": "1", "token": "t", "started": 1.0, "beat": 1.0}

PROMISED = 10.0  # seconds in which a run that is asked to stop has left


def left(folder: Path) -> set[str]:
    """Files that a stage left in its half-made folder."""
    return {path.name for path in folder.parent.glob(f"{folder.name}.*.partial/*")}


@pytest.mark.parametrize(
    ("name", "signum"),
    [
        ("classifier densenet", signal.SIGTERM),
        ("classifier densenet", signal.SIGINT),
        ("train advgan linf 8/255 on densenet", signal.SIGTERM),
        ("train dcgan", signal.SIGTERM),
    ],
)
def test_a_training_that_is_stopped_keeps_its_checkpoint(
    ask: Ask, undisturbed: Undisturbed, copy: Path, name: str, signum: int
) -> None:
    (folder,) = undo(copy, name)
    whole = own(undisturbed, folder)
    at = [i for i, point in enumerate(whole, 1) if point[2] == "tick"]
    fault = {"kind": folder.parent.name, "number": at[len(at) // 2 - 1], "signal": signum}
    assert ask(copy, fault) == [128 + signum], printed(copy)
    assert time.monotonic() - float(Path(f"{copy}.log.at").read_text("utf-8")) < PROMISED
    before = own_of(points(copy), folder)
    assert ticks(before[fault["number"] :]) == 0  # it left after the step under way
    assert "checkpoint.pt" in left(folder)
    assert "The same command goes on from here" in printed(copy)
    assert not list((copy / "runs" / ".leases").iterdir())
    assert ask(copy) == [0], printed(copy)
    told = ticks(own_of(points(copy), folder))
    assert ticks(whole) - 1 <= told <= ticks(whole)  # no step was done twice; the last one before it left was not told
    same(copy, undisturbed.out)


def ticks(passed: list[list[str]]) -> int:
    """Steps that were told."""
    return sum(point[2] == "tick" for point in passed)


def own(undisturbed: Undisturbed, folder: Path) -> list[list[str]]:
    """The points of one stage in the undisturbed run."""
    return own_of(undisturbed.points, folder)


def own_of(passed: list[list[str]], folder: Path) -> list[list[str]]:
    """The points of one stage."""
    return [point for point in passed if point[1] == folder.name]


def test_an_attack_that_is_stopped_leaves_nothing_half_written(ask: Ask, undisturbed: Undisturbed, copy: Path) -> None:
    (folder,) = undo(copy, "attack fgsm linf 8/255 on densenet")
    assert ask(copy, {"kind": "attacked", "number": 4, "signal": signal.SIGTERM}) == [143], printed(copy)
    assert not folder.exists()
    assert ask(copy) == [0], printed(copy)
    same(copy, undisturbed.out)


@pytest.mark.parametrize(("number", "at"), [(errno.EROFS, 1), (errno.ENOSPC, 1), (errno.ENOSPC, 7), (errno.EDQUOT, 9)])
def test_a_disk_that_is_full_or_closed_is_named_and_never_kept_as_a_failure(
    ask: Ask, undisturbed: Undisturbed, copy: Path, number: int, at: int
) -> None:
    undo(copy, "attack clean on densenet")
    assert ask(copy, {"kind": "attacked", "number": at, "errno": number}) == [2], printed(copy)
    assert "Nothing finished is lost" in printed(copy)
    assert not (copy / "runs" / ".failed").exists()
    assert ask(copy) == [0], printed(copy)
    same(copy, undisturbed.out)


def built(out: Path) -> list[str]:
    """Keys of the stages that got their names in these runs."""
    return [key for _, key, event, name in points(out) if event == "os.rename" and name.endswith(".partial")]


@pytest.mark.parametrize("clock", [0.0, 1e9])
def test_two_runs_at_once_build_each_stage_once_whatever_their_clocks_say(
    ask: Ask, undisturbed: Undisturbed, copy: Path, clock: float
) -> None:
    gone = undo(copy, "split", "inspect", "attack", "transfer", "classifier oracle")
    assert ask(copy, {}, {"clock": clock}) == [0, 0], printed(copy)
    keys = built(copy)
    assert sorted(keys) == sorted(folder.name for folder in gone)
    same(copy, undisturbed.out)


@pytest.mark.parametrize("days", [1.0, -1.0])
def test_a_clock_that_jumps_within_a_stage_loses_no_lease(
    ask: Ask, undisturbed: Undisturbed, copy: Path, days: float
) -> None:
    """Another machine waits for the stage: it sees beats go on, and never counts the one that makes it as dead."""
    (folder,) = undo(copy, "classifier densenet")
    seen = f"{copy}.seen"
    at = [i for i, point in enumerate(own(undisturbed, folder), 1) if point[2] == "tick"]
    middle = at[len(at) // 2]
    works = {"kind": "classifier", "number": middle, "jump": days * 86400, "until": seen, "beat": 0.1}
    lease = str(copy / "runs" / ".leases" / f"classifier-{folder.name}.json")
    waits = {"after": lease, "machine": "another", "silence": 3.0, "looks": 25, "tell": seen}  # 25 looks: five seconds
    assert ask(copy, works, waits) == [0, 0], printed(copy)
    assert Path(seen).exists()
    assert built(copy).count(folder.name) == 1
    same(copy, undisturbed.out)


def lease_of(out: Path, folder: Path, **changes: object) -> Path:
    path = out / "runs" / ".leases" / f"{folder.parent.name}-{folder.name}.json"
    path.write_text(json.dumps({**ELSEWHERE, "done": 1, "total": 2, "what": "", **changes}))
    return path


def test_the_stale_lease_of_a_dead_host_is_taken_over_with_its_checkpoint(
    ask: Ask, undisturbed: Undisturbed, copy: Path
) -> None:
    (folder,) = undo(copy, "classifier densenet")
    whole = own(undisturbed, folder)
    number = len(whole) - 8
    assert ask(copy, {"kind": "classifier", "number": number}) == [-signal.SIGKILL], printed(copy)
    assert "checkpoint.pt" in left(folder)
    path = lease_of(copy, folder)
    before = len(points(copy))
    assert ask(copy, {"silence": 1.0}) == [0], printed(copy)
    again = [point for point in points(copy)[before:] if point[1] == folder.name]
    assert 0 < ticks(again) < ticks(whole)  # it went on from the dead host's checkpoint
    assert not path.exists()
    same(copy, undisturbed.out)
