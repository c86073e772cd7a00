"""The loop: order leaves no trace, a failure takes with it only what depends on it, and a run can end early."""

import json
import os
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from robustgan.errors import InputError, RunError
from robustgan.execute import Backend, Here, Job, choose
from robustgan.execute.loop import progress_of, shard_of
from robustgan.stage import Place, Stage
from tests.execute import planted
from tests.execute.conftest import Carry, stage, tree, words


class Backwards(Backend):
    """Holds several jobs at a time, and does the last first."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1)
        self.open: list[tuple[Future[object], Job]] = []
        self.begun: list[str] = []
        self.closed = False

    def capacity(self) -> int:
        return 3

    def submit(self, stage: Stage, job: Job) -> Future[object]:
        future: Future[object] = Future()
        self.begun.append(stage.name)
        self.open.append((future, job))
        self.thread.submit(self.do_last)
        return future

    def do_last(self) -> None:
        future, job = self.open.pop()
        try:
            future.set_result(job())
        except Exception as error:
            future.set_exception(error)

    def close(self) -> None:
        self.closed = True
        self.thread.shutdown()


def mixed() -> list[Stage]:
    """Stages that fail, that need what failed, and that do neither."""
    root, bad, worse = tree()[0], stage(planted.refuse, "bad"), stage(planted.reject, "worse")
    needy = stage(planted.note, "needy", root, bad)
    return [root, bad, worse, needy, stage(planted.note, "needier", needy), stage(planted.note, "well", root)]


WHY = [
    ("bad", "planted: bad"),
    ("worse", "planted: worse"),
    ("needy", "not run: it needs `bad`, which failed"),
    ("needier", "not run: it needs `needy`, which failed"),
]


@pytest.mark.parametrize("backend", [Here, Backwards])
def test_stages_run_after_what_they_need(backend: type[Backend], carry: Carry, place: Place) -> None:
    done, failed = carry(tree(), backend())
    assert ([one.name for one in done], failed) == (["root", "left", "right", "top"], [])
    assert words(place, tree()) == ["root", "left root", "right root", "top left root right root"]


@pytest.mark.parametrize("backend", [Here, Backwards])
def test_a_failure_takes_along_only_what_depends_on_it(backend: type[Backend], carry: Carry) -> None:
    crew = backend()
    done, failed = carry(mixed(), crew)
    assert [one.name for one in done] == ["root", "well"]
    assert [(one.name, why) for one, why in failed] == WHY


def test_what_is_there_is_not_done_again(carry: Carry) -> None:
    carry(tree()[:2], Here())
    crew = Backwards()
    carry(tree(), crew)
    assert crew.begun == ["right", "top"]
    assert crew.closed


def test_fail_fast_ends_with_the_first_failure(carry: Carry) -> None:
    crew = Backwards()
    with pytest.raises(RunError, match=r"bad: planted: bad Stopped there \(--fail-fast\)"):
        carry([tree()[0], stage(planted.refuse, "bad"), stage(planted.note, "late", tree()[0])], Here(), fail_fast=True)
    with pytest.raises(RunError, match="--fail-fast"):
        carry([stage(planted.refuse, f"bad{i}") for i in range(9)], crew, fail_fast=True)
    assert len(crew.begun) < 9
    assert crew.closed


@pytest.mark.parametrize("backend", [Here, Backwards])
def test_where_the_first_steps_fail_nothing_goes_on(backend: type[Backend], carry: Carry) -> None:
    with pytest.raises(InputError, match="no images"):
        carry([stage(planted.manifest, "list"), *tree()], backend())


def test_a_fault_in_the_code_ends_the_run(carry: Carry) -> None:
    with pytest.raises(planted.StubbornError):
        carry([stage(planted.fault, "fault"), *tree()], Here())


def test_after_the_hours_nothing_begins(carry: Carry) -> None:
    carry(tree()[:1], Here())
    done, failed = carry(tree(), Here(), max_hours=0.0)
    assert [one.name for one in done] == ["root"]
    assert {why for _, why in failed} == {"not run: 0 hours were over (--max-hours)"}


def test_shards_part_the_cells_and_share_what_they_need() -> None:
    root = tree()[0]
    cells = [stage(planted.note, f"cell{i}", root) for i in range(5)]
    shards = [[one.name for one in shard_of([root, *cells], i, 3)] for i in (1, 2, 3)]
    assert shards == [["root", "cell0", "cell3"], ["root", "cell1", "cell4"], ["root", "cell2"]]


def test_progress_is_what_the_lease_says(place: Place) -> None:
    one = tree()[0]
    assert progress_of(place, one) is None
    lease = place.out / "runs" / ".leases" / f"note-{one.key}.json"
    lease.parent.mkdir(parents=True)
    for text in ('{"done": 1, "tot', "{}"):
        lease.write_text(text)
        assert progress_of(place, one) is None
    lease.write_text(json.dumps({"done": 3, "total": 9, "what": "pgd"}))
    assert progress_of(place, one) == (3, 9, "pgd")


def test_no_number_of_workers_is_one_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    backend = choose("local", 0, "")
    assert backend.capacity() == 3
    backend.close()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    backend = choose("local", 0, "")
    assert backend.capacity() == 1
    backend.close()


def test_this_process_is_a_backend_of_its_own() -> None:
    assert isinstance(choose("here", 1, ""), Here)
    with pytest.raises(InputError, match="found 4 with --backend here"):
        choose("here", 4, "")
