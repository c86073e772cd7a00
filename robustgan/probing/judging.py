"""One probe: attack, quantise, ask, and keep a row an image. The budget is enforced by the harness's own code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from robustgan.attacks._margin import margin
from robustgan.evaluation import propose, scores
from robustgan.interfaces import Attack, Samples
from robustgan.operating import threshold_of
from robustgan.probing.choosing import part
from robustgan.probing.plan import Ask
from robustgan.quantise import to_8_bit, to_float
from robustgan.tensors import Bytes, Images, Labels, Network, Scores

BATCH = 64  # images at once; verdicts do not depend on it


class Found(NamedTuple):
    """What one attack made of the images."""

    images: Bytes
    pred: np.ndarray
    margin: np.ndarray
    queries: np.ndarray


class Victim(NamedTuple):
    """The classifier that is probed, and the seed of all random numbers."""

    network: Network
    seed: int


def judged(attack: Attack, victim: Victim, samples: Samples, attacked: Network | None = None) -> Found:
    """Let an attack loose on `attacked` (the classifier itself by default), and ask the classifier.

    Raises:
        RunError: the attack failed; whoever asks says what that means.
    """
    made, queries = [], []
    for places in torch.split(torch.arange(len(samples)), BATCH):
        some = part(samples, places.tolist())
        x_adv, effort = propose(attack, attacked or victim.network, nn.Identity(), some, victim.seed)
        made.append(to_8_bit(some.images, x_adv, attack.threat))
        queries.append(effort.forwards.numpy())
    images = torch.cat(made)
    pred, wrong = answers(victim.network, images, samples.labels)
    return Found(images, pred, wrong, np.concatenate(queries))


def answers(network: Network, images: Bytes, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """The labels that the classifier gives to 8-bit images, and how far the wrong class is ahead."""
    pred, wrong = [], []
    for some, y in zip(torch.split(images, BATCH), torch.split(labels, BATCH), strict=True):
        pred.append((scores(network, to_float(some)) >= threshold_of(network)).long())
        wrong.append(margins(network, to_float(some), y))
    return torch.cat(pred).cpu().numpy(), torch.cat(wrong).double().cpu().numpy()


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
