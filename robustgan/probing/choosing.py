"""Which test images the probes look at: spread over classes and patients, the same ones every time."""

from __future__ import annotations

import pandas as pd
import torch

from robustgan.draws import seed_of
from robustgan.interfaces import Samples


def chosen(samples: Samples, images: int) -> Samples:
    """At most so many images: the classes take turns, within a class the patients do, in the order of their digests.

    Neither the classifier nor a seed has a say: all classifiers of a run are probed with the same images.
    """
    rows = samples.rows.assign(
        place=range(len(samples)),
        patient=[seed_of("probes", group) for group in samples.rows["group"]],
        digest=[seed_of("probes", image) for image in samples.rows["image_id"]],
    ).sort_values(["label", "patient", "digest"], kind="stable")
    turn = rows.groupby(["label", "group"]).cumcount().rename("turn")
    within = pd.concat([rows, turn], axis=1).sort_values(["label", "turn", "patient"], kind="stable")
    order = within.assign(rank=within.groupby("label").cumcount()).sort_values(["rank", "label"], kind="stable")
    return part(samples, sorted(order["place"].tolist()[:images]))


def part(samples: Samples, places: list[int]) -> Samples:
    """The images at these places, in their order."""
    index = torch.tensor(places, dtype=torch.long, device=samples.images.device)
    return Samples(samples.images[index], samples.labels[index], samples.rows.iloc[places].reset_index(drop=True))
