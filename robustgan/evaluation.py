"""The harness: perturb -> project -> 8 bit -> check the budget -> classify -> rows.

An attack never grades itself. What is judged is what an attacker could send: the 8-bit image, inside the budget.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import nn

from robustgan.draws import seed_of
from robustgan.errors import RunError
from robustgan.freezing import frozen as frozen
from robustgan.freezing import weights_digest as weights_digest
from robustgan.interfaces import L2, Attack, Linf, Samples, State
from robustgan.journal import Tick, silent
from robustgan.quantise import TOLERANCE
from robustgan.quantise import to_8_bit as to_8_bit
from robustgan.quantise import to_float as to_float
from robustgan.tensors import POSITIVE, Bytes, Images, Labels, Logits, Scores

THRESHOLD = 0.5  # P(malignant) from which an image is called malignant


class Counted(nn.Module):
    """A model that counts forward passes and, for a query-only attack, gives no gradients."""

    def __init__(self, model: nn.Module, gradients: bool) -> None:
        super().__init__()
        self.model, self.gradients, self.forwards = model, gradients, 0

    def forward(self, x: Images) -> Logits:
        """Logits of the model, counted."""
        self.forwards += len(x)
        if self.gradients:
            return self.model(x)
        with torch.no_grad():
            return self.model(x.detach())


def judge(
    attack: Attack, model: nn.Module, network: nn.Module, samples: Samples, seed: int, batch: int, tick: Tick = silent
) -> tuple[pd.DataFrame, Bytes]:
    """Attack every image and classify what would be written.

    Returns:
        One row an image, in the order of `samples` (the PREDICTIONS columns that depend on the attack, and `image_id`),
        and the 8-bit images.

    Raises:
        RunError: the attack crashed, changed its input, returned another shape or something that is not finite, or its
            8-bit images are outside the budget. A failed attack fails its cell; it is never scored as clean images.
    """
    rows, written = [], []
    with frozen(model), frozen(network):
        for start in range(0, len(samples), batch):
            part = slice(start, start + batch)
            ids = samples.rows["image_id"].iloc[part].tolist()
            x, y = to_float(samples.images[part]), samples.labels[part]
            x_adv, queries = propose(attack, model, network, x, y, ids, seed)
            eight = to_8_bit(samples.images[part], attack.threat.project(x, x_adv), attack.threat)
            rows.append(rows_of(model, attack.threat, samples.images[part], eight, ids, queries))
            written.append(eight)
            tick(min(start + batch, len(samples)), len(samples), attack.label)
    return pd.concat(rows, ignore_index=True), torch.cat(written)


def propose(
    attack: Attack, model: nn.Module, network: nn.Module, x: Images, y: Labels, ids: list[str], seed: int
) -> tuple[Images, float]:
    """Let the attack make its images; return them with the forward passes it used an image."""
    victim = Counted(model, gradients=attack.access == "white-box").eval()
    seeds = tuple(seed_of("perturb", attack.label, seed, image) for image in ids)
    before = x.clone()
    x_adv = attack.perturb(victim, x, y, State(network, torch.Generator(), seeds)).detach()
    if not torch.equal(before, x):
        raise RunError(f"{attack.label}: the attack wrote into its input.")
    if x_adv.shape != x.shape:
        raise RunError(f"{attack.label}: the attack returned shape {tuple(x_adv.shape)}, expected {tuple(x.shape)}.")
    if not torch.isfinite(x_adv).all():
        raise RunError(f"{attack.label}: the attack returned values that are not finite.")
    return x_adv, victim.forwards / len(x)


def rows_of(
    model: nn.Module, threat: Linf | L2, clean: Bytes, eight: Bytes, ids: list[str], queries: float
) -> pd.DataFrame:
    """Classify originals and written images, measure the change, and refuse what is out of budget."""
    x, x_adv = to_float(clean), to_float(eight)
    if isinstance(threat, Linf | L2):
        reached = float(threat.distance(x, x_adv).max())
        if reached > threat.eps + TOLERANCE:
            raise RunError(f"the 8-bit images reach {reached:.6f} in {threat.norm}, the budget is {threat.eps:.6f}.")
    clean_score, score = scores(model, x), scores(model, x_adv)
    return pd.DataFrame(
        {
            "image_id": ids,
            "clean_score": clean_score.double().cpu().numpy(),
            "score": score.double().cpu().numpy(),
            "clean_pred": (clean_score >= THRESHOLD).long().cpu().numpy(),
            "pred": (score >= THRESHOLD).long().cpu().numpy(),
            "linf": (x_adv - x).abs().flatten(1).amax(1).double().cpu().numpy(),
            "l2": (x_adv - x).double().flatten(1).norm(dim=1).cpu().numpy(),
            "queries": np.full(len(ids), queries, dtype=float),
        }
    )


def scores(model: nn.Module, x: Images) -> Scores:
    """P(malignant) of images in [0, 1].

    Raises:
        RunError: the model's outputs are not finite.
    """
    with torch.no_grad():
        logits = model(x).float()
    if not torch.isfinite(logits).all():
        raise RunError("the classifier's outputs are not finite.")
    return logits.softmax(1)[:, POSITIVE]


def scores_of(model: nn.Module, images: Bytes, batch: int) -> Scores:
    """P(malignant) of 8-bit images, a batch at a time, with the model frozen."""
    with frozen(model):
        return torch.cat([scores(model, to_float(part)) for part in images.split(batch)])
