"""Small classifiers in every form that a user may bring, and the networks that they were made from."""

from pathlib import Path

import torch
from torch import nn

TINY = '''
import torch
from torch import nn

CALLS = []

def build(outputs=2, dropout=0.0):
    """A linear model of the mean colour, with a batch norm; it notes that it was called."""
    CALLS.append(outputs)
    return nn.Sequential(nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, outputs))

def broken():
    raise KeyError("no weights here")

def number():
    return 3
'''


def tiny(outputs: int = 2, seed: int = 0) -> nn.Module:
    """A convolution, a batch norm whose statistics are not fresh, and a linear layer."""
    torch.manual_seed(seed)
    norm = nn.BatchNorm2d(4, momentum=1.0)
    layers = [nn.Conv2d(3, 4, 3), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, outputs)]
    network = nn.Sequential(*layers)
    network(torch.rand(64, 3, 16, 16) * 0.5 + 0.4)
    return network.eval()


def export(network: nn.Module, path: Path, side: int = 32, batch: int | None = None) -> Path:
    """Save a network as an exported program, for any number of images or exactly `batch`."""
    x = torch.rand(batch or 2, 3, side, side)
    shapes = None if batch else ({0: torch.export.Dim("n", min=1)},)
    torch.export.save(torch.export.export(network, (x,), dynamic_shapes=shapes), path)
    return path


def onnx_file(
    weight: torch.Tensor, bias: torch.Tensor, path: Path, batch: int | str = "n", side: int | str = "side"
) -> Path:
    """An ONNX file of a linear layer (k 3) on the mean colour."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["scores"], transB=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, side, side])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, len(bias)])
    known = [numpy_helper.from_array(weight.numpy(), "weight"), numpy_helper.from_array(bias.numpy(), "bias")]
    graph = helper.make_graph(nodes, "linear", [images], [scores], known)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
