"""One probe: attack, quantise, ask, and keep a row an image. The budget is enforced by the harness's own code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from robustgan.attacks._margin import margin
from robustgan.batches import Room, halved
from robustgan.evaluation import propose
from robustgan.interfaces import Attack, Samples
from robustgan.operating import threshold_of
from robustgan.probing.choosing import part
from robustgan.probing.plan import Ask
from robustgan.quantise import to_8_bit, to_float
from robustgan.scoring import scores
from robustgan.tensors import Bytes, Images, Labels, Network, Scores

BATCH = 64  # images at once, at most; verdicts do not depend on it


class Found(NamedTuple):
    """What one attack made of the images."""

    images: Bytes
    pred: np.ndarray
    margin: np.ndarray
    queries: np.ndarray


class Victim(NamedTuple):
    """The classifier that is probed, the seed of all random numbers, and how many images fit at once."""

    network: Network
    seed: int
    room: Room


def judged(attack: Attack, victim: Victim, samples: Samples, attacked: Network | None = None) -> Found:
    """Let an attack loose on `attacked` (the classifier itself by default), and ask the classifier.

    Raises:
        RunError: the attack failed; whoever asks says what that means. MemoryShortError: one image does not fit.
    """

    def one(places: slice) -> tuple[Bytes, np.ndarray]:
        some = part(samples, list(range(len(samples))[places]))
        x_adv, effort = propose(attack, attacked or victim.network, nn.Identity(), some, victim.seed)
        return to_8_bit(some.images, x_adv, attack.threat), effort.forwards.numpy()

    made = list(halved(len(samples), victim.room, one, f"probe {attack.label}"))
    images = torch.cat([eight for eight, _ in made])
    pred, wrong = answers(victim, images, samples.labels)
    return Found(images, pred, wrong, np.concatenate([queries for _, queries in made]))


def answers(victim: Victim, images: Bytes, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """The labels that the classifier gives to 8-bit images, and how far the wrong class is ahead."""
    network = victim.network

    def one(places: slice) -> tuple[Labels, Scores]:
        x = to_float(images[places])
        return (scores(network, x) >= threshold_of(network)).long(), margins(network, x, labels[places])

    found = list(halved(len(images), victim.room, one, "answers"))
    pred, wrong = torch.cat([called for called, _ in found]), torch.cat([ahead for _, ahead in found])
    return pred.cpu().numpy(), wrong.double().cpu().numpy()


def margins(network: Network, x: Images, y: Labels) -> Scores:
    """How far the logit of the wrong class is ahead of that of the right one."""
    with torch.no_grad():
        return margin(network(x).float(), y)


def rows(ask: Ask, samples: Samples, clean: np.ndarray, found: Found) -> pd.DataFrame:
    """One row of PROBES an image, without the classifier's name and fold."""
    return samples.rows[["image_id", "group", "label"]].assign(
        probe=ask.probe,
        attack=ask.attack.label,
        norm=ask.attack.threat.norm,
        eps=ask.attack.threat.eps,
        setting=float(ask.setting),
        clean_pred=clean,
        pred=found.pred,
        margin=found.margin,
        queries=found.queries.astype(float),
    )
