"""The harness: perturb -> project -> 8 bit -> check the budget -> classify -> rows.

An attack never grades itself. What is judged is what an attacker could send: 8-bit images, inside the budget.
"""

from __future__ import annotations

import logging
from typing import cast

import numpy as np
import pandas as pd
import torch
from torch import nn

from robustgan.draws import seed_of
from robustgan.errors import InputError, RunError
from robustgan.freezing import frozen as frozen
from robustgan.freezing import weights_digest as weights_digest
from robustgan.interfaces import L2, Attack, Linf, Samples, State
from robustgan.journal import Tick, silent
from robustgan.quantise import LEVELS, reach, writable
from robustgan.quantise import to_8_bit as to_8_bit
from robustgan.quantise import to_float as to_float
from robustgan.tensors import POSITIVE, Bytes, Images, Logits, Scores, Tensor

THRESHOLD = 0.5  # P(malignant) from which an image is called malignant

log = logging.getLogger(__name__)


class Counted(nn.Module):
    """A model that counts forward passes and, for an attack that is not white-box, gives no gradients."""

    def __init__(self, model: nn.Module, gradients: bool) -> None:
        super().__init__()
        self.model, self.gradients, self.forwards = model, gradients, 0

    def forward(self, x: Images) -> Logits:
        """Logits of the model, counted."""
        self.forwards += len(x)
        if self.gradients:
            return cast(Tensor, self.model(x))
        with torch.no_grad():
            return cast(Tensor, self.model(x.detach()))


def judge(
    attack: Attack,
    model: nn.Module,
    network: nn.Module,
    samples: Samples,
    seed: int,
    batch: int,
    tick: Tick = silent,
) -> tuple[pd.DataFrame, Bytes]:
    """Attack every image and classify what would be written.

    Returns:
        One row an image, in the order of `samples` (`image_id` and the columns of PREDICTIONS that depend on
        the attack), and the 8-bit images. A budget below one grey level is allowed, and said in the log.

    Raises:
        RunError: the attack crashed, changed what it was given, returned another shape or values that are not
            finite, or its 8-bit images are outside the budget. A failed attack fails its cell, loudly: it is
            never scored as clean images.
    """
    if not len(samples):
        raise RunError(f"{attack.label}: there are no images to attack.")
    if not writable(attack.threat):
        log.warning("%s: eps is below one grey level (1/255): every written image is its original.", attack.label)
    rows, written = [], []
    with frozen(model), frozen(network):
        for start in range(0, len(samples), batch):
            part = slice(start, start + batch)
            some = Samples(samples.images[part], samples.labels[part], samples.rows.iloc[part])
            x_adv, queries = propose(attack, model, network, some, seed)
            eight = to_8_bit(some.images, x_adv, attack.threat)
            rows.append(rows_of(attack, model, some, eight, queries))
            written.append(eight)
            tick(start + len(some), len(samples), attack.label)
    return pd.concat(rows, ignore_index=True), torch.cat(written)


def propose(attack: Attack, model: nn.Module, network: nn.Module, some: Samples, seed: int) -> tuple[Images, float]:
    """Let the attack make its images and bring them into the budget; also its forward passes an image."""
    victim = Counted(model, gradients=attack.access == "white-box").eval()
    ids = some.rows["image_id"].tolist()
    state = State(network, torch.Generator(), tuple(seed_of("perturb", attack.label, seed, image) for image in ids))
    x = to_float(some.images)
    given = x.clone()
    try:
        x_adv = attack.perturb(victim, given, some.labels.clone(), state)
    except InputError:
        raise
    except Exception as error:
        raise RunError(f"{attack.label}: failed on {_named(ids)}: {type(error).__name__}: {error}") from error
    problem = _problem(x, given, x_adv) or _forbidden(attack, victim)
    if problem:
        raise RunError(f"{attack.label}: the attack {problem}, on {_named(ids)}.")
    return attack.threat.project(x, x_adv.detach()), victim.forwards / len(x)


def _problem(x: Images, given: Images, x_adv: Tensor) -> str:
    """What is wrong with what an attack returned; empty where nothing is."""
    if not torch.equal(given, x):
        return "wrote into its input"
    if x_adv.shape != x.shape:
        return f"returned shape {tuple(x_adv.shape)}, expected {tuple(x.shape)}"
    if x_adv.dtype != x.dtype or x_adv.device != x.device:
        return f"returned {x_adv.dtype} on {x_adv.device}, expected {x.dtype} on {x.device}"
    return "" if torch.isfinite(x_adv).all() else "returned values that are not finite"


def _forbidden(attack: Attack, victim: Counted) -> str:
    """Whether an attack saw or did more than it says; empty where not."""
    if attack.access == "none" and victim.forwards:
        return "asked the classifier, though its access is `none`"
    return "left the classifier in training mode" if any(m.training for m in victim.modules()) else ""


def _named(ids: list[str]) -> str:
    """The images of a batch, for a message that people read."""
    return f"{len(ids)} images ({', '.join(image[:12] for image in ids[:3])}{', ...' if len(ids) > 3 else ''})"


def rows_of(attack: Attack, model: nn.Module, some: Samples, eight: Bytes, queries: float) -> pd.DataFrame:
    """Classify originals and written images, measure the change, and refuse what is out of budget."""
    change = (eight.double() - some.images.double()) / LEVELS
    linf, l2 = change.abs().flatten(1).amax(1), change.flatten(1).norm(dim=1)
    if isinstance(attack.threat, Linf | L2):
        reached = float((linf if isinstance(attack.threat, Linf) else l2).max())
        if reached > reach(attack.threat):
            budget = f"the budget is {attack.threat.norm} {attack.threat.eps:.6f}"
            raise RunError(f"{attack.label}: the 8-bit images are {reached:.6f} away, {budget}.")
    clean_score, score = scores(model, to_float(some.images)), scores(model, to_float(eight))
    return pd.DataFrame(
        {
            "image_id": some.rows["image_id"].tolist(),
            "clean_score": clean_score.double().cpu().numpy(),
            "score": score.double().cpu().numpy(),
            "clean_pred": (clean_score >= THRESHOLD).long().cpu().numpy(),
            "pred": (score >= THRESHOLD).long().cpu().numpy(),
            "linf": linf.cpu().numpy(),
            "l2": l2.cpu().numpy(),
            "queries": np.full(len(some), queries, dtype=float),
        }
    )


def scores(model: nn.Module, x: Images) -> Scores:
    """P(malignant) of images in [0, 1].

    Raises:
        RunError: the model's outputs are not finite.
    """
    with torch.no_grad():
        logits: Tensor = model(x).float()
    if not torch.isfinite(logits).all():
        raise RunError("the classifier's outputs are not finite.")
    return logits.softmax(1)[:, POSITIVE]


def scores_of(model: nn.Module, images: Bytes, batch: int) -> Scores:
    """P(malignant) of 8-bit images, a batch at a time, with the model frozen."""
    with frozen(model):
        return torch.cat([scores(model, to_float(part)) for part in torch.split(images, batch)])
