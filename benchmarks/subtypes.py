"""The eight diagnoses of simulated tissue and a convolutional network that tells them apart: far from linear."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.planted import Scaled
from robustgan.experiment import Adversarial
from robustgan.hardening import worst
from robustgan.simulator.noise import stream
from robustgan.simulator.patient import BENIGN, MALIGNANT, draw_patient
from robustgan.simulator.render import picture
from robustgan.simulator.subtypes import lay_out

NAMES = (*BENIGN, *MALIGNANT)  # a class each
SIZE, MAGNIFICATION = 16, 100  # side of an image in pixels; objective
PATIENTS, EPOCHS, BATCH = 600, 16, 50
PEAK = 6e-3  # of the learning rate
RULE = Adversarial(eps=4 / 255, steps=2)  # of the hardened network


def problem(images: int, seed: int) -> tuple[Tensor, Tensor]:
    """8-bit images (as floats in [0, 1]), one a patient, and their diagnoses; other seeds are other patients."""
    pixels, names = [], []
    for number in range(images):
        patient = draw_patient(seed, number, malignant_share=0.5)
        section = lay_out(patient, seed, field=0, aspect=1.0)
        pixels.append(picture(section, MAGNIFICATION, (SIZE, SIZE), stream(seed, 3, number)))
        names.append(NAMES.index(patient.subtype))
    x = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()  # what others reshape fails if it is not
    return x.float() / 255, torch.tensor(names)


def network(hardened: bool, patients: int = PATIENTS, epochs: int = EPOCHS) -> nn.Module:
    """A small convolutional network with batch norm; `hardened` was trained on bad neighbours. Frozen."""
    torch.manual_seed(8)
    layers = nn.Sequential(
        *block(3, 16), *block(16, 24), nn.MaxPool2d(2), *block(24, 32),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, len(NAMES)),
    )  # fmt: skip
    model = Scaled(layers, middle=0.6, scale=5)
    x, y = problem(patients, seed=1)
    batches = len(y.split(BATCH))
    adam = torch.optim.Adam(model.parameters())
    pace = torch.optim.lr_scheduler.OneCycleLR(adam, PEAK, total_steps=epochs * batches)
    rng = torch.Generator().manual_seed(9)
    for _ in range(epochs):
        for rows in torch.randperm(len(y), generator=rng).split(BATCH):
            seen = turned(x[rows], int(torch.randint(8, (1,), generator=rng)))
            model.train()
            if hardened:
                seen = worst(model, seen, y[rows], RULE, rng)
            adam.zero_grad()
            functional.cross_entropy(model(seen), y[rows]).backward()
            adam.step()
            pace.step()
    return model.eval().requires_grad_(False)


def block(before: int, after: int) -> tuple[nn.Module, ...]:
    """A convolution, batch norm, and what is above 0."""
    return nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()


def turned(x: Tensor, way: int) -> Tensor:
    """One of the eight ways to lay a slide down."""
    turned = x.rot90(way % 4, (2, 3))
    return turned.flip(3) if way > 3 else turned
