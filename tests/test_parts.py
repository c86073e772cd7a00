"""A cell in parts is the cell: same key, same bytes, whatever the number; what fails says why; what is done stays."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustgan import lease, progress, store, tables
from robustgan.attacks.pgd import PGD
from robustgan.doing import do
from robustgan.errors import RunError
from robustgan.execute.loop import joinable, shard_of
from robustgan.journal import silent
from robustgan.parts import Joined, Part, begun, cut, failure, forget
from robustgan.remote.depot import Depot
from robustgan.stage import Place, Stage
from tests.cells import BATCH, IMAGES, NEEDS, TESTED, cell, contents, prepare, work

BATCHES = math.ceil(TESTED / BATCH)
BOTH = [cell(), cell(transfer=True)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return prepare(Place(tmp_path / "out", tmp_path))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A run that cut nothing."""
    place = prepare(Place(tmp_path_factory.mktemp("whole"), Path()))
    assert work(BOTH, place).failed == []
    return place


def parts_of(stage: Stage, parts: int) -> list[Part]:
    return [part for part in cut([stage], parts) if isinstance(part, Part)]


def made(place: Place, kind: str = "*_part") -> set[str]:
    return {path.name for path in (place.out / "runs").glob(f"{kind}/*") if path.suffix != ".partial"}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, place: Place) -> list[int]:
    """Numbers of test images with which the attack fails."""
    wanted: list[int] = []
    rows = tables.read(place.folder(NEEDS["split"]) / "fold.parquet", tables.FOLDS)
    shown = np.load(place.folder(NEEDS["pixels"]) / "pixels.npy")[rows["split"] == "test"]
    perturb = PGD.perturb

    def planted(self: PGD, model: Any, x: Any, y: Any, state: Any) -> Any:
        pixels = (x * 255).round().to(torch.uint8).movedim(1, -1).numpy()
        if any((pixels == shown[number]).all((1, 2, 3)).any() for number in wanted):
            raise ValueError("planted")
        return perturb(self, model, x, y, state)

    monkeypatch.setattr(PGD, "perturb", planted)
    return wanted


@pytest.mark.parametrize("parts", [2, 3, BATCHES, BATCHES + 3])
def test_parts_joined_are_the_cell_to_the_byte(parts: int, place: Place, whole: Place) -> None:
    done, failed = work(list(cut(BOTH, parts)), place)
    assert failed == []
    assert sum(stage.whole is not None for stage in done) == 2 * parts
    for stage in BOTH:
        found = contents(place.folder(stage))
        assert found == contents(whole.folder(stage))
        assert ("examples.csv" in found) == (stage.kind == "attacked")
        assert not list(place.folder(stage).glob("split*"))


def test_a_cell_without_pictures_has_none_in_parts_either(place: Place, whole: Place) -> None:
    bare = cell(gallery=0)
    work([bare], whole)
    work(list(cut([bare], 2)), place)
    assert contents(place.folder(bare)) == contents(whole.folder(bare))


def test_the_number_of_parts_is_in_no_key_of_a_cell() -> None:
    for parts in (1, 2, 5):
        found = list(cut(BOTH, parts))
        assert [stage.key for stage in found if stage.whole is None] == [stage.key for stage in BOTH]
    assert list(cut(BOTH, 1)) == BOTH
    keys = {part.key for parts in (2, 3) for stage in BOTH for part in parts_of(stage, parts)}
    assert len(keys) == 2 * (2 + 3)
    other = cell(steps=3)
    assert not keys & {part.key for part in parts_of(other, 2)}


def test_a_part_has_a_key_of_the_code_here() -> None:
    part = parts_of(cell(), 2)[0]
    assert part.afresh().key == part.key
    part.of.__dict__["key"] = "of another machine"  # what came along with a cell
    del part.__dict__["key"]
    assert part.key.startswith("of another machine")
    assert part.afresh().key == parts_of(cell(), 2)[0].key


def test_a_finished_cell_is_not_cut_and_not_redone(place: Place) -> None:
    work(BOTH, place)
    before = {stage.key: (place.folder(stage) / "run.json").stat().st_mtime_ns for stage in BOTH}
    assert [stage.key for stage in cut(BOTH, 3, place.has)] == [stage.key for stage in BOTH]
    done, _ = work(list(cut(BOTH, 3)), place)  # a plan that was made before it was finished
    assert len(done) == len(NEEDS) + 1 + 2 * 4
    assert made(place) == set()
    assert {stage.key: (place.folder(stage) / "run.json").stat().st_mtime_ns for stage in BOTH} == before
    work(list(cut([cell(steps=3)], 3)), place)
    work([cell(steps=3)], place)  # and the other way round: cut, then whole
    assert len(made(place, "attacked")) == 2


def test_what_is_done_of_a_cell_stays(place: Place, whole: Place) -> None:
    first, second, third = parts_of(BOTH[0], 3)
    work([first, third], place)
    stamp = place.folder(first).stat().st_mtime_ns
    work(list(cut(BOTH[:1], 3)), place)
    assert place.folder(first).stat().st_mtime_ns == stamp
    assert made(place) == {first.key, second.key, third.key}
    assert contents(place.folder(BOTH[0])) == contents(whole.folder(BOTH[0]))


def test_the_record_has_the_cost_of_all_parts(place: Place, whole: Place) -> None:
    joined = list(cut(BOTH[:1], 3))
    work(joined, place)
    records = [json.loads((place.folder(stage) / "run.json").read_text()) for stage in joined]
    *parts, total = records
    assert total["parts"] == 3
    assert sum(part["seconds"] for part in parts) <= total["seconds"] < sum(part["seconds"] for part in parts) + 5
    assert total["peak_mib"] == max(record["peak_mib"] for record in records)
    alone = json.loads((whole.folder(BOTH[0]) / "run.json").read_text())
    costs = {"seconds", "peak_mib", "parts"}
    assert {k: v for k, v in total.items() if k not in costs} == {k: v for k, v in alone.items() if k not in costs}


# ------------------------------------------------------------------------------------------------- when it goes wrong


def test_a_part_that_fails_fails_its_cell_in_the_cells_own_words(place: Place, broken: list[int]) -> None:
    broken += [3 * BATCH, 2 * BATCH]  # the third batch and the one after it
    done, failed = work(list(cut([BOTH[0]], 2)), place)
    bad, why = failed[-1]
    assert bad.key == BOTH[0].key
    assert [stage.name for stage, _ in failed] == ["attack pgd, part 2 of 2", "attack pgd"]
    assert "pgd: failed on 4 images" in why
    assert [stage.name for stage in done if stage.whole] == ["attack pgd, part 1 of 2"]
    other = prepare(Place(place.out / "other", Path()))
    assert work([BOTH[0]], other).failed[-1][1] == why


def test_a_failure_is_known_whatever_the_number_of_parts(place: Place, broken: list[int]) -> None:
    broken.append(2 * BATCH)
    why = work(list(cut([BOTH[0]], 2)), place).failed[-1][1]
    broken.clear()
    for todo in ([BOTH[0]], list(cut([BOTH[0]], 2)), list(cut([BOTH[0]], 3))):
        assert work(todo, place).failed[-1][1] == why
    forget(place, BOTH[0])
    assert work(list(cut([BOTH[0]], 2)), place).failed == []


def test_where_the_whole_cell_failed_no_part_is_tried(place: Place, broken: list[int]) -> None:
    broken.append(0)
    assert work([BOTH[0]], place).failed
    broken.clear()
    assert work(list(cut([BOTH[0]], 2)), place).failed[-1][0].key == BOTH[0].key
    assert made(place) == set()
    forget(place, BOTH[0])
    assert work(list(cut([BOTH[0]], 2)), place).failed == []


def test_other_parts_go_on_where_one_failed(place: Place) -> None:
    first, second = parts_of(BOTH[0], 2)
    record = {"stage": first.kind, "name": first.name, "key": first.key, "reason": "why", "kind": "oom"}
    store.record_failure(place.out / "runs", {**record, "error": "MemoryShortError", "pid": 1, "host": "h", "at": 0.0})
    done, failed = work(list(cut([BOTH[0]], 2)), place)
    assert second.key in [stage.key for stage in done]
    assert [why for _, why in failed] == ["why", "why"]
    assert failure(place, BOTH[0]) == failure(place, first) == failure(place, parts_of(BOTH[0], 3)[2])
    assert failure(place, second) is None
    do(first.of, prepare(Place(place.out / "other", Path())), silent)
    with pytest.raises(RunError, match="why"):
        do(first.of, place, silent)


def test_no_test_image_is_said_as_the_whole_cell_says_it(place: Place) -> None:
    path = place.folder(NEEDS["split"]) / "fold.parquet"
    tables.write(tables.read(path, tables.FOLDS).assign(split="train"), tables.FOLDS, path)
    failed = work(list(cut([BOTH[0]], 2)), place).failed
    assert len(failed) == 3
    assert {why.partition(";")[0] for _, why in failed} == {"fold 1: no image is on the side `test`"}


def test_after_the_hours_no_part_begins_and_what_is_whole_is_joined(place: Place) -> None:
    parts = parts_of(BOTH[0], 2)
    work([parts[0]], place)
    late = "not run: 0 hours were over (--max-hours)"
    assert [why for _, why in work(list(cut([BOTH[0]], 2)), place, max_hours=0.0).failed] == [late, late]
    work([parts[1]], place)
    assert work(list(cut([BOTH[0]], 2)), place, max_hours=0.0).failed == []


# -------------------------------------------------------------------------------------------------- on many machines


def test_shards_share_out_parts_and_the_last_one_joins(place: Place, whole: Place) -> None:
    todo = [*NEEDS.values(), *cut(BOTH, 3)]
    shards = [shard_of(todo, i, 2) for i in (1, 2)]
    mine, others = ([stage.name for stage in shard if isinstance(stage, Part)] for shard in shards)
    assert len(mine) == len(others) == 3
    assert not set(mine) & set(others)
    assert not any(isinstance(stage, Joined) for shard in shards for stage in shard)
    work(shards[0], place)
    assert joinable(todo, shards[0], place) == []
    work(shards[1], place)
    ready = joinable(todo, shards[1], place)
    assert [stage.key for stage in ready] == [stage.key for stage in BOTH]
    work(list(ready), place)
    assert joinable(todo, shards[0], place) == []
    for stage in BOTH:
        assert contents(place.folder(stage)) == contents(whole.folder(stage))


def test_a_shard_with_all_parts_of_a_cell_joins_it(place: Place) -> None:
    todo = list(cut(BOTH, 2))
    mine = shard_of(todo, 1, 1)
    work(mine, place)
    assert len(joinable(todo, mine, place)) == 2


def test_machines_without_a_common_folder_share_parts(tmp_path: Path, whole: Place) -> None:
    depot = Depot(f"memory://{tmp_path.name}/store")
    here, there = (prepare(Place(tmp_path / name, tmp_path, depot=depot)) for name in ("here", "there"))
    todo = list(cut(BOTH, BATCHES + 2))  # some are empty
    for place, i in ((here, 1), (there, 2)):
        mine = shard_of(todo, i, 2)
        assert work(mine, place).failed == []
        assert work(list(joinable(todo, mine, place)), place).failed == []
    assert made(here, "attacked") == set()
    assert all(here.has(stage) for stage in todo)
    for stage in BOTH:
        assert contents(here.bring(stage) or Path()) == contents(whole.folder(stage))


# ---------------------------------------------------------------------------------------------------- how far is it?


def states(place: Place, stage: Stage) -> list[str]:
    rows: dict[str, dict[str, Any]] = {}
    for one in begun([*NEEDS.values(), stage], place):
        rows[one.key] = progress._state(one, place, rows)
    return [row["state"] for row in list(rows.values())[len(NEEDS) :]]


def test_status_shows_parts_of_a_cell_that_is_not_there(place: Place) -> None:
    stage, parts = BOTH[0], parts_of(BOTH[0], 3)
    assert states(place, stage) == ["pending"]
    work([parts[1]], place)
    assert states(place, stage) == ["pending", "done", "pending", "pending"]
    path = store.leased(place.out / "runs", parts[0].kind, parts[0].key)
    times = {"started": 0.0, "beat": 0.0, "done": 0, "total": 0, "what": ""}
    path.write_text(json.dumps({**lease.identity(), **times}))
    assert states(place, stage) == ["running", "done", "pending", "pending"]
    path.unlink()
    record = {"stage": parts[2].kind, "name": parts[2].name, "key": parts[2].key, "reason": "why", "kind": "failed"}
    store.record_failure(place.out / "runs", {**record, "error": "RunError", "pid": 1, "host": "h", "at": 0.0})
    assert states(place, stage) == ["pending", "done", "failed", "blocked"]
    forget(place, stage)
    work(list(cut([stage], 3)), place)
    assert states(place, stage) == ["done"]


def test_the_parts_that_are_at_work_are_shown(place: Place) -> None:
    work(list(parts_of(BOTH[0], 3)[:2]), place)
    busy = parts_of(BOTH[0], 2)[0]
    store.leased(place.out / "runs", busy.kind, busy.key).write_text("{}")
    assert len(states(place, BOTH[0])) == 2 + 1


def test_the_time_left_knows_parts() -> None:
    done = [{"state": "done", "stage": "attacked", "seconds": 30.0}]
    part = {"state": "pending", "stage": "attacked_part", "of": "attacked", "part": 1, "parts": 3}
    joined = {"state": "pending", "stage": "attacked", "parts": 3}
    assert progress.time_left([*done, part, part, joined]) == (20.0, 0)
    finished = {**part, "state": "done", "seconds": 4.0}
    assert progress.time_left([*done, finished, part, part, joined]) == (8.0, 0)
    assert progress.time_left([part, joined]) == (0.0, 1)


def test_planting_is_as_it_says() -> None:
    assert BATCHES > 3
    assert TESTED % BATCH
    assert TESTED < IMAGES
