"""How good a trained generator is, a label at a time, before anybody asks whether its images fool.

Distance, precision, recall and variety stand beside what real images of other patients reach. Copies of training
images, and labels that the generator ignores, are looked for. All on the features of `quality`; distance, precision
and recall also on those of `extractors`. Nothing is downloaded, and neither the victim nor an oracle has a say.

Source:
    Binkowski et al., ICLR 2018 (KID); Kynkaanniemi et al., NeurIPS 2019 (precision, recall); Meehan, Chaudhuri,
    Dasgupta, AISTATS 2020 (rank test of copying); Shmelkov, Schmid, Alahari, ECCV 2018 (GAN-test).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from scipy.stats import mannwhitneyu
from torch import Tensor

from robustgan.gan.bench import Bench, Pool
from robustgan.gan.cells import Cell, cell_name
from robustgan.gan.conditional import Gan, Latents
from robustgan.gan.extractors import Extractor
from robustgan.gan.painting import paint, starts
from robustgan.gan.quality import (
    EXTRACTOR,
    Features,
    Yardstick,
    covered,
    features,
    kernel_distance,
    turned,
    twins,
    variety,
)
from robustgan.gan.recipe import Watch
from robustgan.shapes import Float
from robustgan.tensors import Bytes, Labels

VARIED = 64  # images a label whose variety is measured, and that are compared with training images
FEW = 8  # real images of a label below which a comparison says nothing
GRID = 8  # latent vectors that are painted with every label
COMPARED = 500  # training images a label, at most, that generated images are compared with
NEAREST = 0.01  # share of held-out images that are nearer to a training image than a copy may be
RIDGE = 10.0  # of the label probe, times its mean variance: with less it misjudges textures that no real image has


class Side(NamedTuple):
    """Scaled features of one label's images."""

    made: Features
    trained_on: Features
    held_out: Features


class Probe(NamedTuple):
    """Shares of images whose class the label probe finds."""

    generated: dict[str, float]  # a label
    held_out: dict[str, float]
    balanced: dict[str, float]  # mean of two labels: a probe that leans to one of them is forgiven
    balanced_real: dict[str, float]  # of held-out images


class Report(NamedTuple):
    """What `status.json` says of fidelity, and what the rules look at."""

    labels: dict[str, dict[str, float]]
    varieties: tuple[dict[str, float], dict[str, float]]  # generated, real; a label
    pairs: tuple[dict[str, float], dict[str, float]]  # shares of pairs that are the same
    copies: tuple[float, float] | None  # z and share
    probe: Probe
    grid: float | None
    extractors: list[str]  # whose features distances were measured on; the first one's decide

    def text(self) -> dict[str, Any]:
        """For `status.json`."""
        copies = None if self.copies is None else dict(zip(("z", "share"), self.copies, strict=True))
        probe = {"generated": self.probe.generated, "held_out": self.probe.held_out}
        whole = {"copies": copies, "label_probe": probe, "difference_between_labels": self.grid}
        named = {"extractor": self.extractors[0], "extractors": self.extractors}
        return {**named, "labels": self.labels, **whole}


def assess(gan: Gan, pool: Pool, bench: Bench, watch: Watch, others: Sequence[Extractor]) -> Report:
    """Measure a generator on fixed latent vectors."""
    labels, z = starts(gan, VARIED, 0)
    raw = sides_of(gan, pool, bench, paint(gan, z, labels), labels)
    scale = bench.yardstick.scale
    sides = {name: Side(*(scale(part) for part in side)) for name, side in raw.items()}
    rich = {name: side for name, side in sides.items() if len(side.trained_on) >= FEW}
    made, real = ({name: side[i][:VARIED] for name, side in rich.items()} for i in (0, 1))
    images = paint(gan, bench.z, bench.labels)
    drawn = bench.yardstick.of(images)
    known = {name: levels(drawn[bench.labels == i], side) for i, (name, side) in enumerate(sides.items())}
    for extractor in others:
        for name, found in seen_by(extractor, gan, pool, bench, images).items():
            known[name] |= found
    return Report(
        known,
        ({n: variety(f) for n, f in made.items()}, {n: variety(f) for n, f in real.items()}),
        ({n: twins(f, watch.alike) for n, f in made.items()}, {n: twins(f, watch.alike) for n, f in real.items()}),
        copying(list(raw.values()), bench.yardstick),
        probed(gan.labels(), list(sides.values())),
        obedience(gan, sides, bench.yardstick, z[:GRID]),
        [EXTRACTOR, *(extractor.name for extractor in others)],
    )


def sides_of(gan: Gan, pool: Pool, bench: Bench, images: Bytes, labels: Labels) -> dict[str, Side]:
    """Features of generated, training and held-out images, a label."""
    made, held_out, rng = features(images), features(bench.held_out), torch.Generator().manual_seed(0)
    sides = {}
    for i, cell in enumerate(gan.labels()):
        known = pool.of(i)
        some = torch.randperm(len(known), generator=rng)[:COMPARED].to(known.device)
        sides[cell_name(cell)] = Side(made[labels == i], features(known[some]), held_out[bench.labels == i])
    return sides


def levels(made: Features, side: Side) -> dict[str, float]:
    """Distance, precision, recall and variety of a label against held-out images; `_floor`: of training images instead.

    Only the number of images, where these are too few to say more.
    """
    held_out = side.held_out
    n = min(len(held_out), len(side.trained_on))
    found: dict[str, float] = {"images": n}
    if n < FEW:
        return found
    for suffix, rival in (("", made[:n]), ("_floor", side.trained_on[:n])):
        found[f"kid_{EXTRACTOR}{suffix}"] = kernel_distance(held_out[:n], rival)
        found[f"precision{suffix}"] = covered(rival, held_out[:n])
        found[f"recall{suffix}"] = covered(held_out[:n], rival)
        found[f"variety{suffix}"] = variety(rival) / variety(held_out[:n])
    return found


def seen_by(extractor: Extractor, gan: Gan, pool: Pool, bench: Bench, images: Bytes) -> dict[str, dict[str, float]]:
    """Distance, precision and recall of every label on further features, with what training images reach."""
    ruler, rng = Yardstick(bench.held_out, extractor.features), torch.Generator().manual_seed(0)
    made, found = ruler.of(images), {}
    for i, cell in enumerate(gan.labels()):
        mine, known = bench.labels == i, pool.of(i)
        n = min(int(mine.sum()), len(known))
        if n < FEW:
            continue
        some = torch.randperm(len(known), generator=rng)[:n].to(known.device)
        held_out, rivals = ruler.real[mine][:n], {"": made[mine][:n], "_floor": ruler.of(known[some])}
        level = found[cell_name(cell)] = dict[str, float]()
        for suffix, rival in rivals.items():
            level[f"kid_{extractor.name}{suffix}"] = kernel_distance(held_out, rival)
            level[f"precision_{extractor.name}{suffix}"] = covered(rival, held_out)
            level[f"recall_{extractor.name}{suffix}"] = covered(held_out, rival)
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
    """How often a linear probe, fitted to training images, finds the class that was asked for.

    It chooses between the classes at one magnification; a magnification with a single class is left out.
    """
    found = Probe({}, {}, {}, {})
    for magnification in sorted({cell.magnification for cell in cells}):
        places = [[i for i, cell in enumerate(cells) if cell[:2] == (label, magnification)] for label in (0, 1)]
        known = [[sides[i].trained_on for i in some] for some in places]
        if min(sum(map(len, some)) for some in known) < FEW:
            continue
        probe = boundary(torch.cat(known[0]), torch.cat(known[1]))
        for sign, some in zip((-1, 1), places, strict=True):
            for k in some:
                found.generated[cell_name(cells[k])] = share(sign * probe(sides[k].made) > 0)
                if len(sides[k].held_out):
                    found.held_out[cell_name(cells[k])] = share(sign * probe(sides[k].held_out) > 0)
        names = [[cell_name(cells[k]) for k in some] for some in places]
        both = " or ".join(cell_name(Cell(label, magnification)) for label in (0, 1))
        found.balanced[both] = mean_of_classes(found.generated, names)
        found.balanced_real[both] = mean_of_classes(found.held_out, names)
    return found


def mean_of_classes(values: dict[str, float], names: list[list[str]]) -> float:
    """Mean over the classes of the means over their labels; a label without a value counts as 0."""
    return sum(sum(values.get(name, 0.0) for name in some) / len(some) for some in names) / len(names)


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


def obedience(gan: Gan, sides: dict[str, Side], yardstick: Yardstick, z: Latents) -> float | None:
    """Mean distance, in features, between images of different labels from the same latent vector.

    Returns:
        As a share of the mean variety of real images; None where there is one label, or too few images.
    """
    known = [variety(side.trained_on[:VARIED]) for side in sides.values() if len(side.trained_on) >= FEW]
    if len(sides) < 2 or not known:
        return None
    grids = [yardstick.of(paint(gan, z, torch.full((len(z),), i, device=z.device))) for i in range(len(sides))]
    pairs = [(a - b).norm(dim=1).mean() for a, b in itertools.combinations(grids, 2)]
    return float(torch.stack(pairs).mean()) / (sum(known) / len(known))
