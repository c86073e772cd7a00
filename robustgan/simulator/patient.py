"""What patients differ in, beside their disease: dyes, section, cell size, crowding. It makes the task hard."""

from typing import NamedTuple

import numpy as np

from robustgan.simulator.noise import stream
from robustgan.simulator.stain import Stain, draw_stain

BENIGN = ("adenosis", "fibroadenoma", "phyllodes_tumor", "tubular_adenoma")
MALIGNANT = ("ductal_carcinoma", "lobular_carcinoma", "mucinous_carcinoma", "papillary_carcinoma")


class Patient(NamedTuple):
    """One patient: a diagnosis, a slide, and a body of her own."""

    number: int
    malignant: bool
    subtype: str
    stain: Stain
    size: float  # of all nuclei, relative
    crowding: float  # of all cells, relative
    grade: float  # 0 calm .. 1 wild: how far nuclei depart from normal, in malignant and in benign proliferations
    thickness: float  # of the section, relative: scales all dye
    fibrous: float  # contrast of the collagen
    blur: float  # of the focus, pixels
    inflamed: float  # lymphocytes among the stromal cells, a share
    fatty: float  # chance that a field has fat at its edge


def draw_patient(seed: int, number: int, malignant_share: float) -> Patient:
    """Draw a patient; it depends on the seed and her number alone.

    The classes and subtypes alternate, so that any first n patients hold them in fair shares.
    """
    rng = stream(seed, 1, number)
    before, after = (int((number + k) * malignant_share + 1e-9) for k in (0, 1))
    malignant = after > before
    rank = before if malignant else number - before  # earlier patients of the same class
    return Patient(
        number,
        malignant,
        (MALIGNANT if malignant else BENIGN)[rank % 4],
        draw_stain(rng),
        size=float(np.exp(rng.normal(0, 0.06))),
        crowding=float(np.exp(rng.normal(0, 0.12))),
        grade=float(rng.beta(2.2, 2.2)),
        thickness=float(np.exp(rng.normal(0, 0.1))),
        fibrous=float(rng.uniform(0.6, 1.3)),
        blur=float(rng.uniform(0.3, 0.75)),
        inflamed=float(rng.beta(1.0, 9.0)),
        fatty=float(rng.uniform(0.0, 0.5)),
    )
