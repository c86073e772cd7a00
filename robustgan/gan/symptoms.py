"""What a generator's images give away of its failures: the numbers that rules look at, at every look and at the end.

The images are the same at all looks (latent vectors are fixed), so a generator that passes at its look passes at the
end. All on the features of `quality`; those of real images are computed once (`bench.Known`).

Source:
    Meehan, Chaudhuri, Dasgupta, AISTATS 2020 (rank test of copying); Shmelkov, Schmid, Alahari, ECCV 2018 (GAN-test).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import torch
from scipy.stats import mannwhitneyu
from torch import Tensor

from robustgan.gan import monitor
from robustgan.gan.bench import JUDGED, Bench
from robustgan.gan.cells import Cell, cell_name
from robustgan.gan.conditional import Gan
from robustgan.gan.monitor import Finding
from robustgan.gan.painting import paint, starts
from robustgan.gan.quality import Features, Yardstick, covered, turned, twins, variety
from robustgan.gan.recipe import Watch
from robustgan.shapes import Float

FEW = 8  # real images of a label below which a comparison says nothing
GRID = 8  # latent vectors that are painted with every label
NEAREST = 0.01  # share of held-out images that are nearer to a training image than a copy may be
RIDGE = 10.0  # of the label probe, times its mean variance: with less it misjudges textures that no real image has

Values = dict[str, float]  # a label


class Side(NamedTuple):
    """Features of one label's images, not on the yardstick's scale."""

    made: Features
    trained_on: Features
    held_out: Features


class Probe(NamedTuple):
    """Shares of images whose class the label probe finds."""

    generated: Values
    held_out: Values  # labels with `FEW` images


class Coverage(NamedTuple):
    """Shares of the held-out images that are covered."""

    generated: Values
    trained_on: Values  # by as many training images
    images: dict[str, int]  # held out


class Symptoms(NamedTuple):
    """What the rules on generated images look at."""

    varieties: tuple[Values, Values]  # generated, real
    pairs: tuple[Values, Values]  # shares of pairs that are the same
    copies: tuple[float, float] | None  # z and share
    probe: Probe
    grid: float | None
    coverage: Coverage


def painted(found: Symptoms, watch: Watch) -> Finding | None:
    """The first rule on generated images that applies, apart from `covering`."""
    return (
        monitor.on_variety(*found.varieties, watch)
        or monitor.on_twins(*found.pairs, watch)
        or (found.copies and monitor.on_copies(*found.copies, watch))
        or (None if found.grid is None else monitor.on_grid(found.grid, watch))
        or monitor.on_labels(*found.probe, watch)
    )


def covering(found: Symptoms, watch: Watch) -> Finding | None:
    """Whether next to nothing of a label is covered: a rule for the generator that is kept, early on all are so."""
    return monitor.on_coverage(*found.coverage, watch)


def symptoms_of(gan: Gan, bench: Bench, raw: Features, watch: Watch) -> Symptoms:
    """Look at a generator; `raw` are the features of its images for `bench.z`."""
    sides = sides_of(gan, bench, raw)
    scale = bench.yardstick.scale
    rich = [(n, scale(s.made), scale(s.trained_on[:JUDGED])) for n, s in sides.items() if len(s.trained_on) >= FEW]
    return Symptoms(
        ({n: variety(made) for n, made, _ in rich}, {n: variety(real) for n, _, real in rich}),
        ({n: twins(made, watch.alike) for n, made, _ in rich}, {n: twins(real, watch.alike) for n, _, real in rich}),
        copying(list(sides.values()), bench.yardstick),
        probed(gan.labels(), [Side(*map(scale, side)) for side in sides.values()]),
        obedience(gan, [real for _, _, real in rich], bench.yardstick),
        coverage_of(gan, bench, bench.yardstick.scale(raw)),
    )


def sides_of(gan: Gan, bench: Bench, raw: Features) -> dict[str, Side]:
    """Features of generated, training and held-out images, a label."""
    more = raw[:0]
    if len(bench.more_z):
        more = bench.yardstick.extract(paint(gan, bench.more_z, bench.more_labels))
    sides = {}
    for i, cell in enumerate(gan.labels()):
        mine = bench.labels == i
        made = torch.cat([raw[mine], more[bench.more_labels == i]])[:JUDGED]
        sides[cell_name(cell)] = Side(made, bench.known[i].features, bench.yardstick.raw[mine])
    return sides


def coverage_of(gan: Gan, bench: Bench, made: Features) -> Coverage:
    """Recall of every label with enough images, and that of training images."""
    found = Coverage({}, {}, {})
    for i, cell in enumerate(gan.labels()):
        mine, name = bench.labels == i, cell_name(cell)
        held_out, known = bench.yardstick.real[mine], bench.yardstick.scale(bench.known[i].features)
        n = min(len(held_out), len(known))
        if n >= FEW:
            found.generated[name] = covered(held_out[:n], made[mine][:n])
            found.trained_on[name] = covered(held_out[:n], known[:n])
            found.images[name] = n
    return found


def copying(sides: list[Side], yardstick: Yardstick) -> tuple[float, float] | None:
    """Whether generated images lie nearer to training images of their label than held-out images do.

    Returns:
        z of the rank test (below 0: nearer), and the share of generated images that are nearer than 99 % of the
        held-out ones; None where too few images are held out.
    """
    near: tuple[list[Tensor], list[Tensor]] = ([], [])
    for side in sides:
        if min(len(side.held_out), len(side.trained_on)) >= FEW:
            ground = yardstick.scale(side.trained_on)
            for part, found in zip((side.made, side.held_out), near, strict=True):
                turns = [torch.cdist(yardstick.scale(view), ground).amin(1) for view in turned(part)]
                found.append(torch.stack(turns).amin(0).cpu().double())
    if not near[0]:
        return None
    made, real = torch.cat(near[0]), torch.cat(near[1])
    above = float(mannwhitneyu(made.numpy(), real.numpy()).statistic)  # pairs in which the generated one is farther
    n, m = len(made), len(real)
    z = (above - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5
    return z, float((made < real.quantile(NEAREST)).double().mean())


def probed(cells: list[Cell], sides: list[Side]) -> Probe:
    """How often a linear probe, fitted to scaled features of training images, finds the class that was asked for.

    It chooses between the classes at one magnification; a magnification with a single class is left out.
    """
    found = Probe({}, {})
    for magnification in sorted({cell.magnification for cell in cells}):
        places = [[i for i, cell in enumerate(cells) if cell[:2] == (label, magnification)] for label in (0, 1)]
        known = [[sides[i].trained_on for i in some] for some in places]
        if min(sum(map(len, some)) for some in known) < FEW:
            continue
        probe = boundary(torch.cat(known[0]), torch.cat(known[1]))
        for sign, some in zip((-1, 1), places, strict=True):
            for k in some:
                found.generated[cell_name(cells[k])] = share(sign * probe(sides[k].made) > 0)
                if len(sides[k].held_out) >= FEW:
                    found.held_out[cell_name(cells[k])] = share(sign * probe(sides[k].held_out) > 0)
    return found


def boundary(first: Features, second: Float[Tensor, "m d"]) -> Callable[[Features], Tensor]:
    """Fisher's linear discriminant, with a ridge; above 0 on the side of `second`."""
    means = first.mean(0).double(), second.mean(0).double()
    apart = torch.cat([first - first.mean(0), second - second.mean(0)]).double()
    spread = apart.T @ apart / len(apart)
    spread.diagonal().add_(RIDGE * spread.diagonal().mean() + 1e-12)
    slope = torch.linalg.solve(spread, means[1] - means[0])
    return lambda x: (x.double() - (means[0] + means[1]) / 2) @ slope


def share(hit: Tensor) -> float:
    """Share of trues."""
    return float(hit.double().mean())


def obedience(gan: Gan, real: list[Tensor], yardstick: Yardstick) -> float | None:
    """Mean distance, in features, between images of different labels from the same latent vector.

    Returns:
        As a share of the mean variety of real images; None where there is one label, or too few images.
    """
    _, z = starts(gan, GRID, 0)
    count = len(gan.labels())
    if count < 2 or not real:
        return None
    labels = torch.arange(count, device=z.device).repeat_interleave(GRID)
    grids = torch.split(yardstick.of(paint(gan, z[:GRID].repeat(count, 1), labels)), GRID)
    pairs = [(a - b).norm(dim=1).mean() for a, b in itertools.combinations(grids, 2)]
    return float(torch.stack(pairs).mean()) / (sum(map(variety, real)) / len(real))
