"""Memory is that of the process, whoever started it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from robustgan import provenance


def test_peak_memory_follows_what_the_process_holds() -> None:
    before = provenance.peak_memory()
    held = np.ones(before * 2**17)  # as much again, in numbers of 8 bytes
    assert provenance.peak_memory() >= 1.5 * before
    del held


def test_what_a_parent_held_is_not_its_childs() -> None:
    held = np.ones(2**25)  # 256 MiB
    code = "from robustgan.provenance import peak_memory; print(peak_memory())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < held.nbytes / 2**20


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("robustgan run smoke", "robustgan run smoke"),
        ("robustgan run smoke --set seed=1 --data d --out /x/y", "robustgan run smoke --set seed=1 --data d"),
        ("robustgan run 'my config.yaml' --out 'a b' --data d", "robustgan run 'my config.yaml' --data d"),
    ],
)
def test_where_a_report_is_written_is_no_part_of_it(given: str, left: str) -> None:
    assert provenance.portable(given) == left
