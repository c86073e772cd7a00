"""The harness: perturb -> project -> 8 bit -> check the budget -> classify -> rows.

An attack never grades itself. What is judged is what an attacker could send: the 8-bit image, inside the budget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from torch import nn

from robustgan.draws import seed_of
from robustgan.errors import RunError
from robustgan.interfaces import L2, Attack, Linf, Samples, State
from robustgan.journal import Tick, silent
from robustgan.tensors import POSITIVE, Bytes, Images, Labels, Logits, Scores

SLACK = 1e-3  # grey levels: float noise below a whole level must not cost the level
TOLERANCE = 1e-6  # on the [0, 1] scale, when a budget is checked

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


# ------------------------------------------------------------------------------------------------------- 8 bits


def to_float(images: Bytes) -> Images:
    """8-bit images on the [0, 1] scale."""
    return images.float() / 255


def to_8_bit(clean: Bytes, x_adv: Images, threat: object) -> Bytes:
    """Quantise the change towards zero, so that the written image never leaves the budget.

    Rounding to the nearest level breaks an L2 budget and plain truncation loses a level to float noise: a change within
    `SLACK` of a whole level counts as that level, unless the image would then be too far away. Without a budget the
    nearest level is taken.
    """
    if not isinstance(threat, Linf | L2):
        return (x_adv * 255).round().clamp(0, 255).to(torch.uint8)
    change = x_adv * 255 - clean.float()
    loose, strict = ((change.abs() + slack).floor() * change.sign() for slack in (SLACK, 0.0))
    over = threat.distance(to_float(clean), (clean.float() + loose) / 255) > threat.eps + TOLERANCE
    return (clean.float() + torch.where(over.view(-1, 1, 1, 1), strict, loose)).clamp(0, 255).to(torch.uint8)


# ------------------------------------------------------------------------------------------------- frozen models


@contextmanager
def frozen(model: nn.Module) -> Iterator[nn.Module]:
    """Hold a model in eval mode without parameter gradients, and prove afterwards that nothing in it changed.

    Raises:
        RunError: a parameter or buffer is not what it was.
    """
    before = weights_digest(model)
    modes = [(module, module.training) for module in model.modules()]
    wanted = [(p, p.requires_grad) for p in model.parameters()]
    model.eval().requires_grad_(False)
    try:
        yield model
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter, grad in wanted:
            parameter.requires_grad_(grad)
    if weights_digest(model) != before:
        raise RunError("the classifier changed while it was attacked: it must stay frozen.")


def weights_digest(model: nn.Module) -> str:
    """sha256 over names and bytes of all parameters and buffers."""
    total = hashlib.sha256()
    for name, value in model.state_dict().items():
        total.update(name.encode())
        total.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
