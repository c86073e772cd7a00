"""What AdvGAN's generator wants from the network that it trains against: a wrong label, or features gone astray."""

from __future__ import annotations

from collections.abc import Callable

import torch

from robustgan.attacks.advgan import AdvGAN
from robustgan.errors import InputError, nearest
from robustgan.gan import losses
from robustgan.shapes import Float
from robustgan.tensors import Images, Labels, Network, Tensor

# network, images, changed images, labels, kappa -> what the generator lowers
Objective = Callable[[Network, Images, Images, Labels, float], Tensor]
DEFAULT = "denseblock2"  # BIA's choice for a DenseNet


def objective_of(recipe: AdvGAN, weights: Float[Tensor, " k"]) -> Objective:
    """The loss that the settings ask for; `weights` make both classes count alike."""
    if recipe.objective == "features":
        return lambda network, x, x_adv, y, kappa: losses.likeness(
            features(network, recipe.layer, x_adv), features(network, recipe.layer, x), weights[y]
        )
    if recipe.preset == "paper":
        return lambda network, x, x_adv, y, kappa: losses.margin_hinge(fast(network, x_adv), y, kappa)
    return lambda network, x, x_adv, y, kappa: losses.fooling(fast(network, x_adv), y, weights, kappa)


def fast(network: Network, x: Images) -> Tensor:
    """The network's output; it always computes in fp32, and its convolutions are fastest on this memory format."""
    out: Tensor = network(x.contiguous(memory_format=torch.channels_last))
    return out


def features(network: Network, layer: str, x: Images) -> Tensor:
    """What a layer of the network gives for images."""
    found: list[Tensor] = []
    handle = network.get_submodule(layer_of(network, layer)).register_forward_hook(lambda *call: found.append(call[2]))
    try:
        fast(network, x)
    finally:
        handle.remove()
    return found[-1]


def layer_of(network: Network, layer: str) -> str:
    """The full name of the layer; of the second dense block where none is named.

    Raises:
        InputError: there is no such layer.
    """
    names: list[str] = [name for name, _ in network.named_modules() if name]
    if layer in names:
        return layer
    dense = [name for name in names if name.rpartition(".")[2] == DEFAULT]
    if dense and not layer:
        return dense[0]
    found = f"found `{layer}`" if layer else f"none is given, and the network has no `{DEFAULT}`"
    blocks = [name for name, module in network.named_modules() if name and any(module.children())] or names
    raise InputError(f"advgan.layer: {found}. {nearest(layer, blocks)} Layers inside these are allowed too.")
