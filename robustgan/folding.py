"""Batch norms folded into the convolutions before them: with fixed statistics they are one linear map.

Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", section 3.2 (https://arxiv.org/abs/1712.05877).
"""

from __future__ import annotations

import copy
import importlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

Pair = tuple[str, str]  # names of a convolution and of the norm that alone takes its output


class Tracer(fx.Tracer):
    """Records a forward pass; layers stay whole, those of other libraries too."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Convolutions and norms are not looked into."""
        return isinstance(m, nn.Conv2d | _BatchNorm) or super().is_leaf_module(m, module_qualified_name)


def folded(model: nn.Module) -> nn.Module | None:
    """A copy of a model in eval mode without the batch norms that a convolution can do; None where there is none."""
    found = list(pairs(copy.deepcopy(model)))  # code that is traced may leave traces in its module
    if not found:
        return None
    network = copy.deepcopy(model)
    for conv, norm in found:
        fold(cast(nn.Conv2d, network.get_submodule(conv)), cast(nn.BatchNorm2d, network.get_submodule(norm)))
        parent, _, name = norm.rpartition(".")
        setattr(network.get_submodule(parent), name, remainder(network.get_submodule(norm)))
    return network


def pairs(model: nn.Module, prefix: str = "") -> Iterator[Pair]:
    """Every convolution whose output goes into one batch norm and nowhere else.

    A module whose code cannot be traced (its way depends on the images) is left as it is, but not what it is made of.
    """
    if not any(isinstance(module, _BatchNorm) for module in model.modules()):
        return
    try:
        graph = Tracer().trace(model)
    except Exception:  # tracing runs the model's own code, which may raise anything
        for name, child in model.named_children():
            yield from pairs(child, f"{prefix}{name}.")
        return
    yield from ((f"{prefix}{conv}", f"{prefix}{norm}") for conv, norm in adjacent(model, graph))


def adjacent(model: nn.Module, graph: fx.Graph) -> Iterator[Pair]:
    """The pairs of a traced module. What is called twice, or has two names, is no pair's."""
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    owners = Counter(id(module) for _, module in model.named_modules(remove_duplicate=False))
    for node in graph.nodes:
        if node.op != "call_module" or node.args[:1] == () or not isinstance(node.args[0], fx.Node):
            continue
        before = node.args[0]
        if before.op != "call_module" or len(before.users) > 1:
            continue
        conv, norm = model.get_submodule(str(before.target)), model.get_submodule(str(node.target))
        once = all(calls[one.target] == 1 for one in (before, node)) and owners[id(conv)] == owners[id(norm)] == 1
        if once and foldable(conv, norm):
            yield str(before.target), str(node.target)


def foldable(conv: nn.Module, norm: nn.Module) -> bool:
    """Whether both do what their classes say, with statistics that stay."""
    hooked = any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in (conv, norm))
    known = type(conv) is nn.Conv2d and type(norm) in (nn.BatchNorm2d, _with_act())
    return known and not hooked and not norm.training and getattr(norm, "running_mean", None) is not None


def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Give the convolution what the norm, which has fixed statistics, would do to its output, worked out in float64."""
    weight = conv.weight.double()
    mean, variance = (cast(torch.Tensor, value).double() for value in (norm.running_mean, norm.running_var))
    scale = (variance + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight.double()
    shift = -mean + (0 if conv.bias is None else conv.bias.double())
    shift = shift * scale + (0 if norm.bias is None else norm.bias.double())
    for name, value in (("weight", weight * scale.view(-1, 1, 1, 1)), ("bias", shift)):
        setattr(conv, name, nn.Parameter(value.to(conv.weight.dtype), requires_grad=False))


def remainder(norm: nn.Module) -> nn.Module:
    """What a norm does besides: timm's go on with dropout and an activation."""
    if type(norm) is nn.BatchNorm2d:
        return nn.Identity()
    return nn.Sequential(norm.get_submodule("drop"), norm.get_submodule("act"))


def _with_act() -> type[nn.Module]:
    """Timm's norm with an activation; timm takes a second to import."""
    layers: Any = importlib.import_module("timm.layers")
    found: type[nn.Module] = layers.BatchNormAct2d
    return found
