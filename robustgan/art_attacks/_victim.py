"""ART's classifier and arrays as robustgan's attacks know them."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import torch
from art.estimators.classification import PyTorchClassifier
from art.utils import check_and_transform_label_format
from torch import nn

from robustgan import tables
from robustgan.interfaces import Samples
from robustgan.shapes import Float, Int
from robustgan.tensors import Images, Logits

Pictures = Float[np.ndarray, "n 3 h w"]
Indices = Int[np.ndarray, " n"]


class Victim(nn.Module):
    """The model inside a classifier behind the classifier's own preprocessing, with gradients."""

    def __init__(self, classifier: PyTorchClassifier) -> None:
        super().__init__()
        self.model = classifier.model
        self.operations = [one for one in classifier.preprocessing_operations if one.apply_predict]

    def forward(self, x: Images) -> Logits:
        """Two logits."""
        for operation in self.operations:
            x, _ = operation.forward(x, None)
        logits: Logits = self.model(x)
        return logits


def check_classifier(classifier: PyTorchClassifier) -> None:
    """Raise a `ValueError` where a classifier is not what the attacks are made for."""
    found, shape = classifier.clip_values, tuple(classifier.input_shape)
    if found is None or not (np.all(found[0] == 0) and np.all(found[1] == 1)):
        raise ValueError(f"classifier: found clip_values {found}, required are (0, 1): the range of the images.")
    if classifier.nb_classes != 2:
        raise ValueError(f"classifier: found {classifier.nb_classes} classes, required are 2.")
    if not classifier.channels_first or len(shape) != 3 or shape[0] != 3:
        raise ValueError(f"classifier: found input_shape {shape}, required is (3, height, width), channels first.")
    if not classifier.all_framework_preprocessing:
        raise ValueError("classifier: a preprocessing defence is not written for PyTorch and gives no gradients.")


def check_logits(victim: Victim, x: Images) -> None:
    """Raise a `ValueError` where the model does not give two logits for these images."""
    with torch.no_grad():
        given = victim(x)
    if not isinstance(given, torch.Tensor) or given.shape != (len(x), 2):
        raise ValueError(f"classifier: the model gives {getattr(given, 'shape', type(given))}, required are 2 logits.")
    if bool((given >= 0).all()) and torch.allclose(given.sum(1), torch.ones(len(x), device=given.device), atol=1e-4):
        raise ValueError("classifier: the model gives probabilities, required are logits: leave the softmax out.")


# -------------------------------------------------------------------------------------------------------- arrays


def pictures(x: np.ndarray, classifier: PyTorchClassifier) -> Pictures:
    """Checked images as float32; the input stays as it is.

    Raises:
        ValueError: another shape than the classifier's, or numbers outside [0, 1].
    """
    shape = tuple(classifier.input_shape)
    array = np.array(x, dtype=np.float32)
    if array.ndim != 4 or array.shape[1:] != shape:
        raise ValueError(f"x: found shape {array.shape}, required is (n, {', '.join(map(str, shape))}).")
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"x: found numbers from {array.min():g} to {array.max():g}, required is [0, 1].")
    return array


def indices(y: np.ndarray, n: int) -> Indices:
    """Class of each image, from one-hot rows or indices.

    Raises:
        ValueError: another number of labels than of images, or labels other than 0 and 1.
    """
    given = np.asarray(y)
    flat = given.reshape(-1) if given.ndim == 2 and given.shape[1] == 1 else given
    if len(flat) != n:
        raise ValueError(f"y: found {len(flat)} labels for {n} images.")
    if flat.ndim == 1 and not np.isin(flat, (0, 1)).all():
        raise ValueError(f"y: found labels {sorted(set(flat.tolist()))[:5]}, allowed are 0 and 1.")
    if flat.ndim != 1 and flat.shape[1:] != (2,):
        raise ValueError(f"y: found shape {given.shape}, required is ({n}, 2) one-hot, or ({n},) indices.")
    one_hot: np.ndarray = check_and_transform_label_format(flat, nb_classes=2)
    found: Indices = one_hot.argmax(1).astype(np.int64)
    return found


def samples(x: Pictures, y: Indices, device: torch.device) -> Samples:
    """Images as 8 bits on the device; each counts as a patient of its own, at no known magnification."""
    eight = np.round(x * 255).astype(np.uint8)
    ids = [hashlib.sha256(one.tobytes()).hexdigest() for one in eight]
    unknown = dict.fromkeys(("path", "subtype", "given_split", "finding"), "")
    rows = pd.DataFrame({"image_id": ids, "group": ids, "slide": ids, "label": y}).assign(
        **unknown, magnification=0, width=x.shape[3], height=x.shape[2]
    )
    return Samples(
        torch.from_numpy(eight).to(device), torch.from_numpy(y).to(device), tables.check(rows, tables.MANIFEST)
    )
