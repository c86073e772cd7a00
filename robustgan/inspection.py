"""Look at a classifier before anything attacks it: faults that make every number of an audit meaningless, by name.

A finding is plain values: its name, `refuse` or `warn`, the numbers that were measured, what is wrong, what to do.
The probes are the mistakes that users of other toolkits report most: images normalised twice or not at all, batch norm
or dropout left in training mode, a softmax where logits are expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from robustgan.errors import InputError
from robustgan.freezing import weights_digest
from robustgan.models._headed import Headed
from robustgan.quantise import to_float
from robustgan.ranges import misread
from robustgan.tensors import Bytes, Images, Labels, Logits, Tensor

LOOK = 256  # images that are looked at, evenly spread over those given
SAME = 1e-3  # outputs that differ by less, relative to their size, count as equal: convolutions round by batch
FLAT = 1e-6  # outputs that differ by less over all images are constant
STEEP = 50.0  # logits: beyond this margin the softmax is exactly 0 or 1 in 32 bits, and most gradients vanish


class Finding(NamedTuple):
    """One fault."""

    name: str
    severity: Literal["refuse", "warn"]
    numbers: dict[str, Any]
    says: str
    advice: str


class Answers(NamedTuple):
    """What a classifier gave for some images."""

    x: Images
    raw: Tensor  # before its head adapts them
    logits: Logits
    head: Headed | None


def inspect(network: nn.Module, images: Bytes, labels: Labels | None = None) -> dict[str, Any]:
    """Probe a classifier with clean images; with their labels the range probe can use its accuracy too.

    Returns:
        `images` (how many were looked at), `margin` (median distance of the two logits) and `findings`: plain values
        that JSON can hold.
    """
    chosen = torch.linspace(0, len(images) - 1, min(LOOK, len(images))).long().to(images.device)
    x, before = to_float(images[chosen]), weights_digest(network)
    network.eval()
    training = [name or "the network" for name, module in network.named_modules() if module.training]
    try:
        found = ask(network, x)
    except Exception as error:  # whatever the user's network raises
        findings, margin = [_cannot_run(x, error)], None
    else:
        wrong = list(_outputs(found))
        findings = wrong or [*_behaviour(network, found), *_meaning(found)]
        margin = None if wrong else float((found.logits[:, 1] - found.logits[:, 0]).abs().median())
        if not wrong:
            findings += _range(network, x, labels[chosen] if labels is not None else None)
    if training:
        findings.append(_training(training))
    if weights_digest(network) != before:
        findings.append(_changes())
    return {"images": len(x), "margin": margin, "findings": [finding._asdict() for finding in findings]}


def refuse(inspection: Mapping[str, Any], name: str) -> None:
    """Stop where a finding is fatal.

    Raises:
        InputError: every fatal finding, with what to do.
    """
    fatal = [one for one in inspection["findings"] if one["severity"] == "refuse"]
    if fatal:
        lines = "\n".join(f"  {one['name']}: {one['says']} {one['advice']}" for one in fatal)
        raise InputError(f"classifier {name} cannot be audited:\n{lines}")


def ask(network: nn.Module, x: Images) -> Answers:
    """The outputs for some images, before and after the head."""
    heads = [module for module in network.modules() if isinstance(module, Headed)]
    kept: list[Tensor] = []
    hook: Callable[..., None] = lambda _module, _given, outputs: kept.append(outputs)  # noqa: E731
    handles = [head.network.register_forward_hook(hook) for head in heads[:1]]
    with torch.no_grad():
        logits = torch.cat([network(part) for part in torch.split(x, 32)])
    for handle in handles:
        handle.remove()
    raw = torch.cat(kept) if kept else logits
    return Answers(x, raw.reshape(len(raw), -1).float(), logits.float(), heads[0] if heads else None)


# ------------------------------------------------------------------------------------------------------- faults


def _outputs(found: Answers) -> Iterator[Finding]:
    """Outputs that are no logits at all: nothing else can be asked then."""
    if found.logits.shape != (len(found.x), 2):
        shape = list(found.logits.shape)
        yield Finding(
            "shape", "refuse", {"shape": shape}, f"The outputs have the shape {shape}, not {len(found.x)} x 2.",
            "State in `head.classes` what each output stands for.",
        )  # fmt: skip
        return
    broken = int((~torch.isfinite(found.logits)).any(1).sum())
    if broken:
        yield Finding(
            "non-finite", "refuse", {"images": broken}, f"{broken} of {len(found.x)} images give NaN or infinity.",
            "Look for a division by zero, a logarithm of zero or half precision in the model.",
        )  # fmt: skip


def _behaviour(network: nn.Module, found: Answers) -> Iterator[Finding]:
    """Answers that change from call to call or with the company, or never."""
    scale = 1 + float(found.logits.abs().max())
    spread = float((found.logits.amax(0) - found.logits.amin(0)).max())
    if spread <= FLAT * scale and len(found.x) > 1:
        yield Finding(
            "constant", "refuse", {"spread": spread}, f"All {len(found.x)} images get the same logits.",
            "Check that the weights were loaded and that images reach the model in the range that it expects.",
        )  # fmt: skip
    again = float((ask(network, found.x).logits - found.logits).abs().max())
    if again > SAME * scale:
        yield Finding(
            "stochastic", "warn", {"difference": again},
            f"The same images asked twice give logits that differ by up to {again:.3g}.",
            "Take out dropout, noise or random resizing: attacks look weak against chance, and no verdict repeats.",
        )  # fmt: skip
        return
    few = slice(0, 8)
    alone = torch.cat([ask(network, x[None]).logits for x in found.x[few]])
    company = float((alone - found.logits[few]).abs().max())
    if company > SAME * scale:
        yield Finding(
            "batch-dependent", "refuse", {"difference": company},
            f"An image's logits differ by up to {company:.3g} between alone and among others.",
            "Batch norm is in training mode: put the model in eval mode, or export it after model.eval().",
        )  # fmt: skip


def _meaning(found: Answers) -> Iterator[Finding]:
    """Outputs that are something else than the settings say."""
    head, raw = found.head, found.raw
    declared = head is not None and head.head.outputs == "probabilities"
    inside = bool((raw >= -1e-6).all() and (raw <= 1 + 1e-6).all())
    shares = inside and (raw.shape[1] == 1 or bool(((raw.sum(1) - 1).abs() < 1e-3).all()))
    numbers = {"lowest": float(raw.min()), "highest": float(raw.max())}
    if declared and not shares:
        says = f"The outputs reach from {numbers['lowest']:.3g} to {numbers['highest']:.3g}: no probabilities."
        yield Finding("not-probabilities", "refuse", numbers, says, "Set `head.outputs: logits`.")
    if not declared and shares and raw.shape[1] > 1 and len(torch.unique(raw)) > 2:
        says = "The outputs of every image lie in [0, 1] and add up to 1: a softmax, and no logits."
        yield Finding("probabilities", "refuse", numbers, says, "Set `head.outputs: probabilities`.")
    if not declared and raw.shape[1] == 1 and inside and numbers["lowest"] < 0.5 < numbers["highest"]:
        says = "The one output lies in [0, 1] for every image, on both sides of 0.5: it looks like a sigmoid's."
        yield Finding("probabilities", "warn", numbers, says, "If it is one, set `head.outputs: probabilities`.")
    margin = float((found.logits[:, 1] - found.logits[:, 0]).abs().median())
    values = len(torch.unique(raw))
    if 1 < values <= 2 and len(raw) >= 8:
        says = f"All outputs together take {values} values: decisions, with nothing in between."
        yield Finding("hard-labels", "warn", {"values": values}, says, "Give the logits: gradients are zero here.")
    elif margin > STEEP:
        says = f"The two logits are {margin:.3g} apart in the median: gradients of the loss vanish in 32 bits."
        yield Finding("saturated", "warn", {"margin": margin}, says, "Take out the temperature, or divide the logits.")


def _range(network: nn.Module, x: Images, labels: Labels | None) -> Iterator[Finding]:
    """Images that reach the network in another range than it learned."""
    found = misread(network, x, labels)
    if found:
        yield Finding("input-range", "warn", found.numbers, found.says, found.advice)


def _cannot_run(x: Images, error: Exception) -> Finding:
    size = " x ".join(str(side) for side in x.shape[2:])
    says = f"It fails on images of {size} pixels in [0, 1]: {str(error) or type(error).__name__:.300}"
    advice = "Set `pixels.size` to the size that it expects, and `head.classes` to its outputs."
    return Finding("cannot-run", "refuse", {"size": list(x.shape[2:])}, says, advice)


def _training(modules: list[str]) -> Finding:
    says = f"{len(modules)} modules stay in training mode after eval(): {', '.join(modules[:5])}."
    advice = "Do not override train() or eval(): dropout and batch norm would be judged in a mode nobody deploys."
    return Finding("training-mode", "refuse", {"modules": len(modules)}, says, advice)


def _changes() -> Finding:
    says = "Asking it changed its parameters or buffers: running statistics are still being updated."
    return Finding("changes-itself", "refuse", {}, says, "Put batch norm in eval mode, and count nothing in buffers.")
