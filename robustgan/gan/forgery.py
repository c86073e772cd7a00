"""Images from scratch, and what victim and oracles say about them: real (the floor), natural, searched, walked.

A walked image is the control of a searched one: as far from the same start, in a direction that nothing chose. What
it fools beyond natural images, the distance did, not the search.

The label of a generated image is a hypothesis. Oracles that took no part in the search hold it up; the victim
never does.

Source:
    Song et al., NeurIPS 2018; Brown et al., "Unrestricted Adversarial Examples", 2018 (unanimous judges).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from robustgan.batches import Room, halved
from robustgan.draws import seed_of
from robustgan.errors import RunError
from robustgan.gan.cells import cell_name
from robustgan.gan.conditional import Gan, Latents
from robustgan.gan.painting import paint, starts
from robustgan.gan.points import Points
from robustgan.gan.recipe import Hunt
from robustgan.gan.search import Parties, distance, search, wander
from robustgan.gan.sheet import Row
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.operating import plain, threshold_of
from robustgan.quantise import to_float
from robustgan.tensors import POSITIVE, Bytes, Labels, Logits, Network, Scores

AGREE = 0.9  # probability of the label from which a judging oracle accepts an image
SHOWN = 10  # fooling images a row of the sheet


class Jury(NamedTuple):
    """Who classifies the images; all of them frozen."""

    victim: Network
    oracles: Sequence[Network]  # took no part in the search


class Forged(NamedTuple):
    """Generated images with their GENERATED rows, in the same order."""

    images: Bytes
    rows: pd.DataFrame
    labels: Labels  # of the GAN: finer than the class where they are subtypes
    searched: Points  # where each search ended


def forge(parties: Parties, jury: Jury, rule: Hunt, room: Room, seed: int, tick: Tick) -> Forged:
    """Make `rule.images` images a label, search from the first `rule.starts`, and let the jury judge all.

    Every searched image has a control: a random step of the same length from its start. Batches are as large as there
    is `room`, but for painting, which needs far less: the same images are painted again for people to rate.
    """
    gan, easel = parties.gan, Room(rule.batch)
    labels, z = starts(gan, rule.images, seed)
    images = painted(gan, z, labels, easel)
    chosen = torch.arange(len(labels), device=labels.device) % rule.images < rule.starts
    begin, asked = z[chosen], labels[chosen]
    found: list[Latents] = []

    def seek(part: slice) -> Latents:
        def count(step: int, steps: int, text: str) -> None:
            tick(part.start * steps + (part.stop - part.start) * step, len(asked) * steps, text)

        return search(parties, begin[part], asked[part], rule, count)

    for some in halved(len(asked), room, seek, "latent search"):
        found.append(some)
        tick(sum(map(len, found)) * rule.steps, len(asked) * rule.steps, "latent search")
    ends = torch.cat(found)
    searched = painted(gan, ends, asked, easel)
    lengths = distance(ends, begin)
    seeds = [seed_of("walk", seed, i) for i in range(len(asked))]
    walked = painted(gan, wander(begin, lengths, seeds), asked, easel)
    far = lengths.double().cpu().numpy()
    made = (("natural", images, labels, 0.0), ("searched", searched, asked, far), ("walked", walked, asked, far))
    rows = [
        generated(gan, jury, pixels, cells, room).assign(mode=mode, distance=steps)
        for mode, pixels, cells, steps in made
    ]
    whole, cells = torch.cat([images, searched, walked]), torch.cat([labels, asked, asked])
    return Forged(whole, pd.concat(rows, ignore_index=True), cells, Points(ends, asked))


def painted(gan: Gan, z: Latents, labels: Labels, room: Room) -> Bytes:
    """`paint`, as many at a time as there is room."""
    return torch.cat(list(halved(len(z), room, lambda part: paint(gan, z[part], labels[part], room.batch), "painting")))


def generated(gan: Gan, jury: Jury, images: Bytes, labels: Labels, room: Room) -> pd.DataFrame:
    """Rows of generated images."""
    cells = gan.cells[labels].cpu()
    rows = pd.DataFrame(
        {
            "image_id": [hashlib.sha256(i.tobytes()).hexdigest() for i in images.permute(0, 2, 3, 1).cpu().numpy()],
            "group": "",
            "magnification": cells[:, 1].numpy(),
            "label": cells[:, 0].numpy(),
        }
    )
    return rows.assign(**verdicts(jury, images, gan.cells[labels, 0], room))


def real(jury: Jury, held_out: Samples, room: Room) -> pd.DataFrame:
    """Rows of held-out real images: what the same rule says where the label is known."""
    rows = held_out.rows[["image_id", "group", "magnification", "label"]].reset_index(drop=True)
    return rows.assign(**verdicts(jury, held_out.images, held_out.labels, room), mode="real", distance=np.nan)


def verdicts(jury: Jury, images: Bytes, truth: Labels, room: Room) -> dict[str, np.ndarray]:
    """What the victim says, and how far the oracles agree with the label."""
    score = scores(jury.victim, images, room)
    malignant = torch.stack([scores(oracle, images, room) for oracle in jury.oracles])
    agree = torch.where(truth == POSITIVE, malignant, 1 - malignant)
    low = agree.amin(0)
    columns = {
        "score": score,
        "pred": (score >= threshold_of(jury.victim)).long(),
        "oracle_low": low,
        "oracle_mean": agree.mean(0),
        "oracle_high": agree.amax(0),
        "oracles": torch.full_like(truth, len(jury.oracles)),
        "accepted": low >= AGREE,
    }
    return {name: value.cpu().numpy() for name, value in columns.items()}


def scores(model: Network, images: Bytes, room: Room) -> Scores:
    """P(malignant) of 8-bit images, in double precision.

    Raises:
        RunError: the model's outputs are not finite.
    """

    def one(part: slice) -> Logits:
        logits: Logits = plain(model)(to_float(images[part])).double()
        return logits

    with torch.no_grad():
        logits = torch.cat(list(halved(len(images), room, one, "answers")))
    if not torch.isfinite(logits).all():
        raise RunError("dcgan: a classifier's outputs on generated images are not finite.")
    return logits.softmax(1)[:, POSITIVE]


def fooling_rows(gan: Gan, forged: Forged) -> list[Row]:
    """Accepted images that fool the victim: a row a label and mode, the victim's P(malignant) under each."""
    fooled = forged.rows["accepted"] & (forged.rows["pred"] != forged.rows["label"])
    rows = []
    for i, cell in enumerate(gan.labels()):
        of_cell = (forged.labels == i).cpu().numpy()
        for mode in ("natural", "searched"):
            index = np.flatnonzero(fooled & of_cell & (forged.rows["mode"] == mode))[:SHOWN]
            captions = [f"P(mal.) {p:.2f}" for p in forged.rows["score"].iloc[index]]
            rows.append(Row(f"{cell_name(cell)}, {mode}", forged.images[torch.from_numpy(index)], captions))
    return rows
