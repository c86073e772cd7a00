"""Statuses and exit codes."""

import itertools

from robustgan.gates.rows import EXIT_CODES, PRECEDENCE, worst


def test_exit_codes_leave_two_to_usage() -> None:
    assert EXIT_CODES == {"pass": 0, "fail": 1, "incomplete": 3, "indeterminate": 4}


def test_the_worst_status_wins_whatever_the_order() -> None:
    for first, second in itertools.permutations(PRECEDENCE, 2):
        assert worst([first, second, "pass"]) == min(first, second, key=PRECEDENCE.index)


def test_nothing_is_not_a_pass() -> None:
    assert worst([]) == "indeterminate"
