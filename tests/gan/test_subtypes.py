"""A GAN whose labels are subtype and magnification."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from robustgan import tables, weights
from robustgan.attacks.dcgan import DCGAN
from robustgan.datasets.synthetic import Synthetic
from robustgan.errors import InputError
from robustgan.gan.cells import LETTERS, Cell, cell_name
from robustgan.gan.conditional import Gan
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal, silent
from tests.attacks.test_dcgan import CELL, Bright

SETTINGS: dict[str, Any] = {
    "size": 16,
    "labels": "subtype",
    "latent": 4,
    "embedding": 4,
    "ngf": 2,
    "ndf": 2,
    "training": {"steps": 2, "batch": 8, "every": 2},
    "monitor": {"actions": []},
    "search": {"images": 2, "starts": 1, "steps": 1},
}


@pytest.fixture(scope="module")
def tissue(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Simulated patients of all eight diagnoses, at four magnifications."""
    root = tmp_path_factory.mktemp("tissue")
    data = Synthetic(patients=16, fields=1, width=32, height=32)
    data.make(root, silent)
    rows = data.manifest(root, silent)
    pixels = [np.asarray(Image.open(root / path).convert("RGB").resize((16, 16))) for path in rows["path"]]
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return Samples(images, torch.tensor(rows["label"].tolist()), rows)


def test_every_subtype_and_magnification_is_a_label_and_tables_hold_the_class(tissue: Samples, tmp_path: Path) -> None:
    attack = DCGAN.read(SETTINGS)
    torch.manual_seed(0)
    network = attack.build()
    first = tissue.rows[(tissue.rows["subtype"] != "phyllodes_tumor") | (tissue.rows["magnification"] != 400)].index
    val = Samples(tissue.images[first], tissue.labels[first], tissue.rows.loc[first].reset_index(drop=True))
    attack.fit(nn.Identity(), tissue, val, State(network, torch.Generator().manual_seed(0)), Journal(tmp_path))
    assert isinstance(network, Gan)
    assert len(network.labels()) == 8 * 4
    assert {cell.subtype for cell in network.labels()} == set(tissue.rows["subtype"])
    fidelity = json.loads((tmp_path / "status.json").read_text())["fidelity"]
    assert fidelity["labels"]["malignant lobular carcinoma 100X"]["images"] == 2
    assert fidelity["labels"]["benign phyllodes tumor 400X"]["images"] == 0  # not among the validation images
    weights.save(network, tmp_path / "w.safetensors")
    again = attack.build()
    weights.load(again, tmp_path / "w.safetensors")
    assert again.labels_of(tissue.rows).tolist() == network.labels_of(tissue.rows).tolist()
    again.status.fill_(0)
    frame = attack.fool(Bright(40.0), [Bright(20.0)], again, val, 0, tmp_path, silent)
    checked = tables.check(frame.assign(**CELL, seed=0, fold=1), tables.GENERATED)
    natural = checked[checked["mode"] == "natural"]
    assert natural.groupby(["label", "magnification"]).size().tolist() == [4 * 2] * 8


def rows(*cells: tuple[int, int, str]) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=["label", "magnification", "subtype"])


def gan() -> Gan:
    return Gan(16, (2, 2), 4, 4, by_subtype=True)


def test_subtypes_that_cannot_be_labels_are_refused() -> None:
    with pytest.raises(InputError, match=r"1 of 2 training images have none.*labels: class"):
        gan().name_cells(rows((0, 40, "adenosis"), (1, 40, "")))
    with pytest.raises(InputError, match="both benign and malignant: phyllodes"):
        gan().name_cells(rows((0, 40, "phyllodes"), (1, 100, "phyllodes"), (1, 40, "lobular")))
    with pytest.raises(InputError, match="found 72 pairs of subtype and magnification, allowed are 64"):
        gan().name_cells(rows(*((s % 2, m, f"s{s}") for s in range(8) for m in range(9))))
    with pytest.raises(InputError, match=f"longer than {LETTERS} bytes"):
        gan().name_cells(rows((0, 40, "x" * (LETTERS + 1))))


def test_labels_keep_their_meaning_and_unknown_ones_are_none() -> None:
    made = gan()
    made.name_cells(rows((1, 40, "lobulär"), (0, 40, "adenosis"), (1, 40, "mucinous")))
    assert made.labels() == [Cell(0, 40, "adenosis"), Cell(1, 40, "lobulär"), Cell(1, 40, "mucinous")]
    assert made.labels_of(rows((1, 40, "mucinous"), (1, 40, "papillary"), (1, 100, "mucinous"))).tolist() == [2, -1, -1]
    assert cell_name(Cell(1, 40, "ductal_carcinoma")) == "malignant ductal carcinoma 40X"


def test_classes_are_labels_unless_subtypes_are_asked_for() -> None:
    made = Gan(16, (2, 2), 4, 4)
    made.name_cells(rows((1, 40, "lobular"), (0, 40, ""), (1, 40, "mucinous")))
    assert made.labels() == [Cell(0, 40), Cell(1, 40)]
