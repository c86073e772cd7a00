"""What the pipeline costs around the networks: waiting for data, training beside its own networks, memory, start-up.

    python -m benchmarks.pipeline_speed [--quick] [--out reports/benchmarks]

It writes pipeline_speed.csv; `--quick` measures less and writes under out/, so that a full table is never lost.

- `waiting`: share of the time of a training, or of a judged attack, in which the compute waits for images that are read
  from the decoded file. A thread reads the next training batch; the harness reads each batch itself.
- `training beside its networks`: images a second in the steps of `training.train`, over those of the same network going
  forward, backward and through its optimizer on one batch that is there already. Both take turns; the ratio is of
  processor time, which other programs on the machine disturb least, and the table has the median of the rounds.
- `memory`: the most that a fresh process held (RSS) while it trained and attacked n images (`pipeline_memory.py`).
- `plan` rows are computed from the measured ones: a study of 10^7 tiles of 224 pixels, on a machine like this one.
- `start-up` rows: `startup.py`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast
from unittest import mock

import numpy as np
import pandas as pd
import torch

from benchmarks import pipeline_memory, startup
from benchmarks.wanted import folder, machine, parser
from robustgan import evaluation, images, stored, training
from robustgan.attacks.pgd import PGD
from robustgan.experiment import Pixels, Training
from robustgan.interfaces import Linf, Samples
from robustgan.journal import Journal, silent
from robustgan.models.densenet import DenseNet
from robustgan.tensors import Bytes, Network

BATCH = 64
TILES, TILE = 10**7, 224  # of the study that is planned
COLUMNS = (
    "what", "model", "images", "size", "value", "unit", "cpu_seconds", "basis", "threads", "machine", "load",
    "versions",
)  # fmt: skip
Row = dict[str, Any]


class Scale(NamedTuple):
    """How much is measured."""

    images: int  # of a training or an attack
    rounds: dict[str, int]  # by model: a small one's are short, and what else the machine does weighs more in each
    memory: tuple[int, ...]  # images
    files: int  # PNGs that are decoded
    repeats: int  # of each command


FULL = Scale(512, {"compact": 25, "densenet121": 5}, (10**3, 10**4, 10**5), 400, 5)
QUICK = Scale(192, {"compact": 2}, (10**3, 10**4), 100, 2)


def row(what: str, value: float, unit: str, **more: object) -> Row:
    """One measured number; `basis` says otherwise where it is not."""
    return {
        "what": what,
        "value": float(f"{value:.4g}"),
        "unit": unit,
        "basis": "measured",
        **machine(torch.get_num_threads()),
        **more,
    }


# -------------------------------------------------------------------------------------------- training and attacking


class Clocked:
    """Time that passes while a caller waits for the next of some items, and while anything happens."""

    def __init__(self) -> None:
        self.waited, self.ticks, self.work = 0.0, list[float](), list[float]()

    def ahead(self, source: Any, batches: Any) -> Iterator[Any]:
        """`stored.ahead`, clocked."""
        items = iter(stored.ahead(source, batches))
        while True:
            start = time.perf_counter()
            item = next(items, None)
            self.waited += time.perf_counter() - start
            if item is None:
                return
            yield item

    def tick(self, done: int, total: int, text: str) -> None:
        """After every step of a training."""
        self.ticks.append(time.perf_counter())
        self.work.append(time.process_time())


class Reading(stored.Stored):
    """Images on disk that count the seconds of being read."""

    seconds = 0.0

    def __getitem__(self, index: Any) -> torch.Tensor:
        """Read, and count."""
        start = time.perf_counter()
        found = super().__getitem__(index)
        self.seconds += time.perf_counter() - start
        return found


def fresh(variant: str) -> Network:
    """A network with random weights."""
    torch.manual_seed(0)
    return DenseNet.model_validate({"variant": variant}).build()


def trained(variant: str, samples: Samples, folder: Path) -> tuple[float, Clocked]:
    """Processor seconds an image in the steps of one epoch of robustgan's own training, and its clock."""
    clock, network = Clocked(), fresh(variant)
    few = Samples(samples.images[:BATCH], samples.labels[:BATCH], samples.rows.iloc[:BATCH])
    with mock.patch.object(training, "ahead", clock.ahead):
        training.train(network, samples, few, Training(epochs=1, batch=BATCH), 0, Journal(folder, clock.tick))
    steps = len(samples) // BATCH  # the last tick says that all is over
    return (clock.work[steps - 1] - clock.work[0]) / (steps - 1) / BATCH, clock


def alone(variant: str, samples: Samples) -> float:
    """Processor seconds an image of the network itself: forward, backward and optimizer on a batch that is there."""
    network = fresh(variant).train().to(memory_format=torch.channels_last)
    optimizer = training.optimizer_of(network, Training())
    x, y = torch.rand(BATCH, *samples.images.shape[1:]), samples.labels[:BATCH]
    steps, start = len(samples) // BATCH, 0.0
    for step in range(steps):
        if step == 1:
            start = time.process_time()
        loss = training.cross_entropy(network(x), y, torch.ones(2))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return (time.process_time() - start) / (steps - 1) / BATCH


def training_rows(variant: str, path: Path, scale: Scale, size: int) -> Iterator[Row]:
    """Waiting and speed of a training that reads from disk."""
    label = torch.arange(scale.images) // 20 % 2
    rows = pipeline_memory.folds(label.numpy(), size)
    source = stored.Stored(path, np.arange(scale.images), torch.device("cpu"))
    samples = Samples(cast(Bytes, source), label, rows)
    ratios, rates, floors, waits = [], [], [], []
    for _ in range(scale.rounds[variant]):
        with tempfile.TemporaryDirectory() as folder:
            own, (each, clock) = alone(variant, samples), trained(variant, samples, Path(folder))
        ratios.append(own / each)
        rates.append(1 / each)
        floors.append(1 / own)
        waits.append(clock.waited / (clock.waited + clock.ticks[-2] - clock.ticks[0]))
    about = {"model": variant, "images": scale.images, "size": size}
    yield row("training: steps", statistics.median(rates), "images a processor second", **about)
    yield row("training: its networks alone", statistics.median(floors), "images a processor second", **about)
    yield row("training beside its networks", statistics.median(ratios), "ratio", **about)
    yield row("waiting: training", statistics.median(waits), "share of the time", **about)


def attack_row(variant: str, path: Path, scale: Scale, size: int) -> Row:
    """Waiting of PGD-10 that reads from disk."""
    count = min(scale.images, 256)
    source = Reading(path, np.arange(count), torch.device("cpu"))
    rows = pipeline_memory.folds(np.arange(count) % 2, size)
    attack, network = PGD(threat=Linf(eps=8 / 255), steps=10), torch.nn.Identity()
    start = time.perf_counter()
    samples = Samples(cast(Bytes, source), torch.arange(count) % 2, rows)
    evaluation.judge(attack, fresh(variant).eval(), network, samples, 0, BATCH)
    waited = source.seconds / (time.perf_counter() - start)
    return row("waiting: attack (PGD-10)", waited, "share of the time", model=variant, images=count, size=size)


# ------------------------------------------------------------------------------------------------- files and memory


def decoding_row(folder: Path, scale: Scale) -> Row:
    """Images a second from PNG files to the decoded array, their digests checked."""
    rng = np.random.default_rng(0)
    for i in range(scale.files):
        smooth = rng.integers(60, 255, (28, 28, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        images.to_png(smooth - rng.integers(0, 8, smooth.shape, np.uint8), folder / f"{i}.png")
    names = [f"{i}.png" for i in range(scale.files)]
    ids = [images.inspect(folder / name).image_id for name in names]
    manifest = pd.DataFrame({"path": names, "image_id": ids, "finding": ""})
    start = time.perf_counter()
    images.decode(folder, manifest, Pixels(size=TILE), folder / "decoded.npy", silent)
    rate = scale.files / (time.perf_counter() - start)
    return row("decoding PNG files", rate, "images a second", images=scale.files, size=TILE)


def memory_rows(scale: Scale, size: int = 32) -> Iterator[Row]:
    """Peak memory of fresh processes."""
    for n in scale.memory:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "benchmarks.pipeline_memory", folder, str(n), str(size)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        for step, what in (("classifier", "training"), ("attacked", "training and attack")):
            yield row(f"memory: {what}", found[f"{step}_mib"], "MiB", model="tiny", images=n, size=size)


def planned(rows: list[Row]) -> Iterator[Row]:
    """A study of 10^7 tiles from what was measured."""
    rate = {one["what"]: one["value"] for one in rows}["decoding PNG files"]
    about = {"images": TILES, "size": TILE, "basis": "computed"}
    yield row("plan: decoded pixels on disk", TILES * TILE * TILE * 3 / 1e12, "TB", **about)
    yield row("plan: decoding, one machine", TILES / rate / 3600, "hours", **about)
    per_image = np.diff([pipeline_memory.folds(np.arange(n), TILE).memory_usage(deep=True).sum() for n in (0, 1000)])
    yield row("plan: the manifest in memory", float(per_image[0]) / 1000 * TILES / 1e9, "GB", **about)
    for what in ("training", "training and attack"):
        known = {one["images"]: one["value"] for one in rows if one["what"] == f"memory: {what}"}
        (less, low), *_, (more, high) = sorted(known.items())
        growth = max(0.0, (high - low) / (more - less))  # what seems to shrink is noise
        yield row(f"plan: {what} in memory", (high + growth * (TILES - more)) / 1024, "GiB", **about)


def measured(scale: Scale) -> pd.DataFrame:
    """All rows; each is printed as it comes."""
    rows: list[Row] = []
    for one in startup.table(scale.repeats).to_dict("records"):  # while the machine is at rest
        rows += shown([row(one["what"], one["seconds"], "seconds", cpu_seconds=one["cpu_seconds"])])
    size = 64
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        pipeline_memory.plant(place, scale.images, size)
        for variant in scale.rounds:
            rows += shown(training_rows(variant, place / "pixels" / "pixels.npy", scale, size))
            rows += shown([attack_row(variant, place / "pixels" / "pixels.npy", scale, size)])
        rows += shown([decoding_row(place, scale)])
    rows += shown(memory_rows(scale))
    rows += shown(planned(rows))
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def shown(rows: Any) -> Iterator[Row]:
    """Print rows as they come."""
    for one in rows:
        print({name: one[name] for name in ("what", "model", "images", "value", "unit") if name in one}, flush=True)
        yield one


def main() -> None:
    """Read the command line, measure, write the table."""
    wanted = parser(__doc__).parse_args()
    measured(QUICK if wanted.quick else FULL).to_csv(
        folder(wanted) / "pipeline_speed.csv", index=False, lineterminator="\n"
    )


if __name__ == "__main__":
    main()
