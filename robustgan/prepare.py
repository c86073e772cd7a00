"""A classifier made ready for attack: the same logits, sooner.

Batch norms are folded into the convolutions before them, and images are laid out with their channels last, as the
kernels of convolutions like them. Which of it is done is never decided by a clock: the same classifier is always
prepared in the same way, so the same settings give the same bytes.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import torch
from torch import nn

from robustgan.folding import folded
from robustgan.tensors import Images, Logits, Tensor

log = logging.getLogger(__name__)

CLOSE = 1e-5  # of the largest logit: a prepared classifier that is further off is not used
ALIKE = 1e-2  # of the length of the gradient: near a kink of the classifier two roundings take different sides
ROUGH = 0.5  # the same in bfloat16, where nets with random weights are 0.12 to 0.18 off; further off it is not used
PROBES = 2  # images on which that is seen

Dtype = torch.dtype


class Answer(NamedTuple):
    """What a classifier says of the probes."""

    logits: Tensor
    gradient: Tensor | None


class Prepared(nn.Module):
    """A frozen copy of a classifier that takes images as they come and gives float32 logits."""

    def __init__(self, model: nn.Module, layout: torch.memory_format, dtype: Dtype = torch.float32) -> None:
        super().__init__()
        self.model, self.layout, self.dtype = model.to(memory_format=layout), layout, dtype
        if dtype != torch.float32:
            for module in model.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.to(dtype)  # once, and not at every pass; autocast keeps norms and sums in float32

    def forward(self, x: Images) -> Logits:
        """Logits of images in [0, 1]."""
        x = x.contiguous(memory_format=self.layout)
        if self.dtype == torch.float32:
            logits: Logits = self.model(x)
            return logits
        with torch.autocast(x.device.type, self.dtype):
            logits = self.model(x)
        return logits.float()


class Mixed(nn.Module):
    """Gradients in bfloat16, answers in float32.

    An attack climbs by the first and believes the second: an image that falls in bfloat16 alone has not fallen.
    """

    def __init__(self, answers: nn.Module, slopes: nn.Module) -> None:
        super().__init__()
        self.answers, self.slopes = answers, slopes

    def forward(self, x: Images) -> Logits:
        """Logits of images in [0, 1]."""
        asked = self.slopes if torch.is_grad_enabled() and x.requires_grad else self.answers
        logits: Logits = asked(x)
        return logits


Close = Callable[[Answer, Answer | None], bool]


def prepared(model: nn.Module, like: Images, dtype: Dtype = torch.float32, compiled: bool = False) -> nn.Module:
    """A faster classifier with the same logits, frozen and in eval mode; `model` stays as it is.

    The quickest of its forms that answers as the original does is taken: on images of noise its logits are within
    1e-5 of the largest one, and its gradients are those of the original. A classifier with fewer than two
    convolutions, and one that cannot be copied, is handed back as it is.

    Args:
        model: the classifier.
        like: images on its device; their shape is all that counts.
        dtype: bfloat16 computes the convolutions and products of gradients in it (`Mixed`), where these are close
            enough to the original's.
        compiled: use torch.compile, for batches of any size; where it fails, or answers otherwise, it is not used.
    """
    if sum(isinstance(module, nn.Conv2d) for module in model.modules()) < 2:  # one alone cuts a transformer's patches
        return model
    try:
        plain = copy.deepcopy(model).eval().requires_grad_(False)
    except Exception:  # a copy runs code of whoever wrote the classifier
        return model
    probe = torch.rand(PROBES, *like.shape[1:], generator=torch.Generator().manual_seed(0)).to(like.device)
    wanted = answer(plain, probe)
    if wanted is None:
        return model
    for form in forms(plain):
        if agree(wanted, answer(form, probe)):
            exact = shorter(form, wanted, probe, agree) if compiled else form
            if dtype == torch.float32:
                return exact
            half = Prepared(copy.deepcopy(form.model), form.layout, dtype).eval()
            if not useful(wanted, answer(half, probe)):
                return exact
            return Mixed(exact, shorter(half, wanted, probe, useful) if compiled else half).eval()
    return model


def shorter(form: Prepared, wanted: Answer, probe: Images, close: Close) -> nn.Module:
    """A classifier compiled, where that works and its answers are as close as they have to be; else as it is."""
    try:
        quick = cast(nn.Module, torch.compile(form, dynamic=True))
    except RuntimeError as error:  # this Python or system is not supported
        log.warning("attack_compile: %s The classifier is used uncompiled.", error)
        return form
    if close(wanted, answer(quick, probe)):
        return quick
    log.warning("attack_compile: compiled, the classifier fails or answers otherwise; it is used uncompiled.")
    return form


def forms(plain: nn.Module) -> Iterator[Prepared]:
    """Ways to prepare a classifier, the quickest first. Code that views images as vectors needs channels first."""
    short = folded(plain)
    for layout in (torch.channels_last, torch.contiguous_format):
        for network in filter(None, (short, plain if layout == torch.channels_last else None)):
            yield Prepared(copy.deepcopy(network), layout).eval().requires_grad_(False)


def answer(model: nn.Module, probe: Images) -> Answer | None:
    """Logits, and the gradient of their squares if there is one; None where the classifier refuses the images.

    In full float32: on a GPU, convolutions would else round to 10 bits, each kernel in its own way.
    """
    devices = [probe.device] if probe.is_cuda else []
    x, whole = probe.clone().requires_grad_(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    try:
        with whole, torch.enable_grad(), torch.random.fork_rng(devices):
            logits = model(x)
            gradient = torch.autograd.grad(logits.square().sum(), x)[0] if logits.requires_grad else None
    except torch.OutOfMemoryError:
        raise  # another form would be taken when there is room: other bytes
    except Exception:  # what it refuses, the attack will be told by the original
        return None
    return Answer(logits.detach(), gradient)


def useful(wanted: Answer, found: Answer | None) -> bool:
    """Whether an attack can climb by what a classifier says in bfloat16."""
    if found is None or found.gradient is None or wanted.gradient is None:
        return False
    return bool((found.gradient - wanted.gradient).norm() <= ROUGH * wanted.gradient.norm())  # not where it is NaN


def agree(wanted: Answer, found: Answer | None) -> bool:
    """Whether two classifiers are the same for an attack."""
    if found is None or (found.gradient is None) != (wanted.gradient is None):
        return False
    if found.logits.shape != wanted.logits.shape:
        return False
    same = (found.logits - wanted.logits).abs().amax() <= CLOSE * wanted.logits.abs().amax()
    if found.gradient is None or wanted.gradient is None:
        return bool(same)
    return bool(same & ((found.gradient - wanted.gradient).norm() <= ALIKE * wanted.gradient.norm()))
