"""SIGKILL at many points of every kind of stage: whatever a kill leaves, the same command goes on to the same bytes.

Each kill comes in a run that goes on from what all kills before it left, so that no damage is ever swept away by a
fresh start; what is finished is compared after each of them, the report at the end.
"""

import signal
from pathlib import Path

import pytest

from tests.faults.conftest import Ask, Undisturbed, contents, finished, points, printed, same

KINDS = (
    *("manifest", "pixels", "split", "classifier", "inspected", "operating", "probed", "attacked", "transferred"),
    *("generator", "forged", "report", "publish"),
)
TRAININGS = ("classifier", "generator")


def spread(most: int, count: int) -> list[int]:
    """`count` numbers from 1 to `most`."""
    return sorted({1 + round(i * (most - 1) / max(1, count - 1)) for i in range(count)})


def schedule(passed: list[list[str]], count: int) -> list[tuple[str, int, tuple[str, ...]]]:
    """Kills in the order of the stages: kind, number of the point, kinds that come after it and would be too late."""
    kinds = [point[0] for point in passed]
    assert set(kinds) == set(KINDS)
    kills = []
    for kind in sorted(set(kinds), key=kinds.index):
        last = len(kinds) - 1 - kinds[::-1].index(kind)
        later = tuple(other for other in KINDS if kinds.index(other) > last)
        first = next(key for name, key, *_ in passed if name == kind)
        each = sum(point[:2] == [kind, first] for point in passed)
        rounds = 2 if kind in TRAININGS else 1  # a second network: the first may be trained for one epoch only
        kills += [(kind, number, later) for number in spread(each, count) * rounds]
    return kills


def survive(ask: Ask, undisturbed: Undisturbed, out: Path, count: int, odd: int) -> list[str]:
    """Kill a run again and again, let the last one finish; returns where it was killed."""
    whole = finished(undisturbed.out)
    places = []
    for i, (kind, number, later) in enumerate(schedule(undisturbed.points, count)):
        code = ask(out, {"kind": kind, "number": number, "later": later, "torn": i % 2 == odd})
        where = f"{kind} {number}: {points(out)[-1]}"
        assert code == [-signal.SIGKILL], where
        places.append(where)
        for name, folder in finished(out).items():
            assert contents(folder) == contents(whole[name]), f"{name} differs after {where}"
    assert ask(out) == [0], printed(out)
    same(out, undisturbed.out)
    left = {path.stem.replace("-", "/") for path in (out / "runs" / ".leases").iterdir()}
    assert left <= set(whole)  # of processes that were killed between the last rename and giving the lease back
    return places


def test_kills_at_fifty_points_of_all_stages_change_no_byte(ask: Ask, undisturbed: Undisturbed, tmp_path: Path) -> None:
    assert len(set(survive(ask, undisturbed, tmp_path / "out", 4, 0))) >= 50


@pytest.mark.slow
@pytest.mark.faults
def test_kills_at_many_more_points_change_no_byte(ask: Ask, undisturbed: Undisturbed, tmp_path: Path) -> None:
    assert len(set(survive(ask, undisturbed, tmp_path / "out", 12, 1))) >= 120
