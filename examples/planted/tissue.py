"""Write a folder of planted images whose answers are known: 104 patients, 6 images each, 32x32 pixels.

    python examples/planted/tissue.py planted

Benign images are bright and malignant ones dark, by far more than 8/255: who looks at brightness cannot be fooled at
that budget. Both also carry a faint chequered pattern of 5/255 whose sign is the class: who looks at that can be.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32  # pixels
PATIENTS = 104  # of either class half; with fewer, even a perfect score leaves its interval too wide to pass
BRIGHT, DARK = 0.66, 0.34  # mean intensity of the classes, on [0, 1]
FAINT = 5 / 255  # amplitude of the pattern
MAGNIFICATIONS = (40, 100, 200)


def chequers() -> np.ndarray:
    """A chequered pattern of single pixels, 1 and -1, with its mean 0."""
    row, column = np.indices((SIDE, SIDE))
    return np.where((row + column) % 2 == 0, 1.0, -1.0)[..., None]


def paint(rng: np.random.Generator, malignant: bool, patient: float) -> np.ndarray:
    """One image (h w 3, uint8) of a patient whose tissue is `patient` brighter than the class."""
    sign = 1 if malignant else -1
    light = (DARK if malignant else BRIGHT) + patient
    pixels = light + sign * FAINT * chequers() + rng.normal(0, 0.05, (SIDE, SIDE, 3))
    return (pixels.clip(0, 1) * 255).round().astype(np.uint8)


def write(root: Path) -> None:
    """Write the images and `manifest.csv` (path, label, group, magnification)."""
    root.mkdir(parents=True, exist_ok=True)
    rows = []
    for patient in range(PATIENTS):
        rng = np.random.default_rng(patient)
        malignant, shade = patient % 2 == 1, rng.uniform(-0.04, 0.04)
        for i in range(6):
            name = f"patient{patient:03d}-{i}.png"
            Image.fromarray(paint(rng, malignant, shade)).save(root / name)
            label = "malignant" if malignant else "benign"
            rows.append((name, label, f"patient{patient:03d}", MAGNIFICATIONS[i % 3]))
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "group", "magnification"), *rows])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
