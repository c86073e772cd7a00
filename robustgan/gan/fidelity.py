"""How good a trained generator is, a label at a time, before anybody asks whether its images fool.

Distance, precision, recall and variety stand beside what real images of other patients reach, on the features of
`quality` and on those of `extractors`. Nothing is downloaded, and neither the victim nor an oracle has a say. Copies of
training images, and labels that the generator ignores, are looked for in `symptoms`.

Source:
    Binkowski et al., ICLR 2018 (KID); Kynkaanniemi et al., NeurIPS 2019 (precision, recall).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from robustgan.gan.bench import Bench, Pool
from robustgan.gan.cells import cell_name
from robustgan.gan.conditional import Gan
from robustgan.gan.extractors import Extractor
from robustgan.gan.floors import floor_of
from robustgan.gan.painting import paint
from robustgan.gan.quality import EXTRACTOR, Features, Yardstick, covered, kernel_distance, variety
from robustgan.gan.recipe import Watch
from robustgan.gan.symptoms import FEW, Symptoms, symptoms_of
from robustgan.tensors import Bytes

Level = dict[str, float]


class Side(NamedTuple):
    """Scaled features of one label's images, and what tells their patients apart."""

    made: Features  # as many as are held out
    held_out: Features
    trained_on: Features
    groups: list[str]  # patients of the held-out, then of the training images

    @property
    def images(self) -> int:
        """Images of each kind that are compared."""
        return min(len(self.held_out), len(self.trained_on))


class Report(NamedTuple):
    """What `status.json` says of fidelity, and what the rules look at."""

    labels: dict[str, Level]
    symptoms: Symptoms
    extractors: list[str]  # whose features distances were measured on; the first one's decide

    def text(self) -> dict[str, Any]:
        """For `status.json`."""
        found = self.symptoms
        copies = None if found.copies is None else dict(zip(("z", "share"), found.copies, strict=True))
        whole = {"copies": copies, "label_probe": found.probe._asdict(), "difference_between_labels": found.grid}
        named = {"extractor": self.extractors[0], "extractors": self.extractors}
        return {**named, "labels": self.labels, **whole}


def assess(gan: Gan, pool: Pool, bench: Bench, watch: Watch, others: Sequence[Extractor]) -> Report:
    """Measure a generator on fixed latent vectors."""
    images = paint(gan, bench.z, bench.labels)
    raw = bench.yardstick.extract(images)
    made, known = bench.yardstick.scale(raw), [bench.yardstick.scale(some.features) for some in bench.known]
    names = [cell_name(cell) for cell in gan.labels()]
    labels = {}
    for name, side in zip(names, sides_of(bench, bench.yardstick, made, known), strict=True):
        labels[name] = {"images": side.images, **level(EXTRACTOR, "", side), **varieties(side)}
    for extractor in others:
        for name, side in zip(names, seen_by(extractor, pool, bench, images), strict=True):
            labels[name] |= level(extractor.name, f"_{extractor.name}", side)
    named = [EXTRACTOR, *(extractor.name for extractor in others)]
    return Report(labels, symptoms_of(gan, bench, raw, watch), named)


def sides_of(bench: Bench, ruler: Yardstick, made: Features, known: list[Tensor]) -> list[Side]:
    """What is compared, a label; all on the scale of `ruler`."""
    sides = []
    for i, trained_on in enumerate(known):
        mine = bench.labels == i
        groups = [name for name, own in zip(bench.groups, mine.tolist(), strict=True) if own]
        groups += bench.known[i].groups[: len(trained_on)]
        sides.append(Side(made[mine], ruler.real[mine], trained_on, groups))
    return sides


def seen_by(extractor: Extractor, pool: Pool, bench: Bench, images: Bytes) -> list[Side]:
    """What is compared on further features: of training images only as many as a floor needs, they are slow to get."""
    ruler = Yardstick(bench.held_out, extractor.features)
    known = []
    for i, some in enumerate(bench.known):
        n = int((bench.labels == i).sum())
        places = some.places[: 2 * n] if n >= FEW else some.places[:0]
        known.append(ruler.of(pool.at(places)) if len(places) else ruler.real[:0])
    return sides_of(bench, ruler, ruler.of(images), known)


def level(name: str, end: str, side: Side) -> Level:
    """Distance, precision and recall of a label against held-out images; nothing where these are too few to say more.

    `_floor`: of real images of other patients instead (of the distance the mean of many draws, `_floor_high` is above
    95 % of them); `_train`: distance to training images.

    Args:
        name: of the features.
        end: of the names of what is not a distance.
        side: what is compared.
    """
    n = side.images
    if n < FEW:
        return {}
    held_out, made, trained_on = side.held_out[:n], side.made[:n], side.trained_on[:n]
    found = {f"kid_{name}": kernel_distance(held_out, made), f"kid_{name}_train": kernel_distance(trained_on, made)}
    floor = floor_of(torch.cat([side.held_out, side.trained_on]), side.groups, n)
    if floor is not None:
        found |= dict(zip((f"kid_{name}_floor", f"kid_{name}_floor_high"), floor, strict=True))
    for suffix, rival in (("", made), ("_floor", trained_on)):
        found[f"precision{end}{suffix}"] = covered(rival, held_out)
        found[f"recall{end}{suffix}"] = covered(held_out, rival)
    return found


def varieties(side: Side) -> Level:
    """How much generated images vary, as a share of held-out ones; `_floor`: how much training images do."""
    n = side.images
    if n < FEW:
        return {}
    real = variety(side.held_out[:n])
    return {"variety": variety(side.made[:n]) / real, "variety_floor": variety(side.trained_on[:n]) / real}
