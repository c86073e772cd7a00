"""What a run shows where several stages are at work at once."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from robustgan import console, steps
from robustgan.stage import Place, Stage

ONE = Stage(steps.attacked, "attack one", {"n": 1})
OTHER = Stage(steps.attacked, "attack other", {"n": 2})
LAST = Stage(steps.attacked, "attack last", {"n": 3})


def shown(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)


def text(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_lines_number_each_stage_by_when_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "EVERY", 0.0)
    screen = shown(terminal=False)
    with console.Lines(screen, 3, as_json=True) as lines:
        first, second = lines.watch(ONE, False), lines.watch(OTHER, False)
        lines.watch(LAST, True)
        second(1, 2, "fgsm")
        first(3, 4, "pgd")
    events = [json.loads(line) for line in text(screen).splitlines()]
    assert [(event["number"], event["event"]) for event in events] == [
        (1, "begins"), (2, "begins"), (3, "kept"), (2, "works"), (1, "works"),
    ]  # fmt: skip
    assert [event["note"] for event in events[3:]] == ["fgsm", "pgd"]


def test_a_bar_becomes_a_line_when_its_stage_is_there_and_not_before(tmp_path: Path) -> None:
    screen, place = shown(terminal=True), Place(tmp_path, tmp_path)
    with console.Bars(screen, 3, place) as bars:
        bars.watch(ONE, False)(1, 2, "")
        bars.watch(OTHER, False)
        assert len(bars.tasks) == 2
        place.folder(ONE).mkdir(parents=True)
        bars.watch(LAST, False)
        assert list(bars.tasks.values()) == [OTHER, LAST]
    assert "[1/3] attack one: 0 s" in text(screen)
    assert "[3/3] attack last: 0 s" in text(screen)
