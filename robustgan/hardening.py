"""Adversarial training: each batch is replaced by bad neighbours of its images, and the classifier learns those.

Source: Madry, Makelov, Schmidt, Tsipras, Vladu 2018, "Towards deep learning models resistant to adversarial attacks",
section 2 (https://arxiv.org/abs/1706.06083); one step of full length with a random start is Wong, Rice, Kolter 2020,
"Fast is better than free" (https://arxiv.org/abs/2001.03994).
"""

from __future__ import annotations

import torch
from torch.nn import functional

from robustgan.experiment import Adversarial
from robustgan.tensors import Images, Labels, Network, Rng

STRIDE = 1.25  # length of all steps together, in units of eps: the border can be reached from every start


def worst(network: Network, x: Images, y: Labels, rule: Adversarial, rng: Rng) -> Images:
    """Images within `rule.eps` of `x` (Linf, on the [0, 1] scale) where the loss is high: a few gradient steps.

    The network computes in eval mode, so that its running means never see these steps, and is left in training mode.
    """
    network.eval()
    start = torch.rand(x.shape, generator=rng).to(x.device)
    low, high = (x - rule.eps).clamp(0, 1), (x + rule.eps).clamp(0, 1)
    x_adv = torch.lerp(low, high, start)
    for _ in range(rule.steps):
        x_adv.requires_grad_(True)
        loss = functional.cross_entropy(network(x_adv).float(), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x_adv)
        moved = x_adv.detach() + STRIDE * rule.eps / rule.steps * gradient.sign()
        x_adv = torch.minimum(torch.maximum(moved, low), high)
    network.train()
    return x_adv
