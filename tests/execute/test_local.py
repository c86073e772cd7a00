"""Worker processes on this machine: killed, poisoned, stopped; none outlives its run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from robustgan.errors import RunError
from robustgan.execute.local import Local
from robustgan.stage import Place
from tests.execute import planted
from tests.execute.conftest import Carry, alive, await_file, stage, tree, words


def test_two_workers_work_at_once_and_a_killed_one_loses_only_its_try(carry: Carry, place: Place) -> None:
    one, other = stage(planted.meet, "one", other="other"), stage(planted.meet, "other", other="one")
    mortal = stage(planted.die_once, "mortal", one)
    done, failed = carry([one, other, mortal, *tree()], Local(2))
    assert len(done) == 7
    assert failed == []
    assert words(place, [mortal]) == ["mortal one"]
    assert not alive(int((place.data / "mortal.died").read_text()))


def test_a_poison_cell_fails_alone_after_three_deaths(carry: Carry, place: Place) -> None:
    bad = stage(planted.poison, "bad")
    done, failed = carry([bad, stage(planted.note, "needy", bad), *tree(), stage(planted.refuse, "refused")], Local(2))
    assert [one.name for one in done] == ["root", "left", "right", "top"]
    (_, why), (_, lost), (_, refused) = failed
    assert why.startswith("its worker process died 3 times, last by signal 9: something killed it, or memory ran out.")
    assert (lost, refused) == ("not run: it needs `bad`, which failed", "planted: refused")
    assert len((place.data / "deaths").read_text().splitlines()) == 3


def test_a_fault_arrives_with_its_traceback(carry: Carry) -> None:
    with pytest.raises(RuntimeError, match="StubbornError: planted fault") as caught:
        carry([stage(planted.fault, "fault")], Local(2))
    assert "in fault" in "".join(caught.value.__notes__)


def test_the_same_code_must_be_there(carry: Carry) -> None:
    other = stage(planted.note, "other")
    other.__dict__["key"] = "made by other code"
    ((_, why),) = carry([other], Local(2)).failed
    assert "has other code of robustgan" in why


def test_fail_fast_stops_the_others_at_once(carry: Carry, place: Place) -> None:
    with pytest.raises(RunError, match="--fail-fast"):
        carry([stage(planted.hang, "hangs"), stage(planted.refuse, "bad")], Local(2), fail_fast=True)
    found = place.data / "hangs"
    assert not found.exists() or not alive(int(found.read_text()))


DRIVER = """
from pathlib import Path
import signal
import sys
from robustgan import pipeline
from robustgan.execute import Manner
from robustgan.execute.local import Local
from robustgan.stage import Place
from tests.execute import planted
from tests.execute.conftest import quiet, stage, tree
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests in the background ignores it
    root = Path(sys.argv[1])
    pipeline.work([*tree(), stage(planted.hang, "hangs")], Place(root / "out", root / "data"), quiet, Manner(Local(2)))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_a_run_that_is_stopped(how: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "driver.py").write_text(DRIVER)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    driver = subprocess.Popen([sys.executable, tmp_path / "driver.py", tmp_path], env=env, stderr=subprocess.DEVNULL)
    pid = int(await_file(tmp_path / "data" / "hangs"))
    driver.send_signal(how)
    driver.wait(planted.GIVE_UP)
    start = time.monotonic()
    while alive(pid):
        assert time.monotonic() - start < planted.GIVE_UP, "the worker is still there"
        time.sleep(0.02)
