"""Walks on a planted generator: brightness is the share of the malignant label."""

from pathlib import Path
from typing import cast

import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from robustgan.batches import Room
from robustgan.gan.cells import LABELS, Cell
from robustgan.gan.conditional import Gan
from robustgan.gan.forgery import Jury
from robustgan.gan.latent_walk import ORACLES, STARTS, STEPS, VICTIM, flips, table, walks, write_walks

SIDE, LATENT = 16, 4


class Painter(nn.Module):
    """As bright as the share of odd labels says; remembers its latent vectors."""

    latent = LATENT

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.seen.append(z)
        return labels[:, 1::2].sum(1).view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE)


class Bright(nn.Module):
    """Malignant from a brightness on."""

    def __init__(self, edge: float) -> None:
        super().__init__()
        self.edge = edge

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        level = 20 * (x.mean((1, 2, 3)) - self.edge)
        return torch.stack([-level, level], 1)


@pytest.fixture
def gan() -> Gan:
    torch.manual_seed(0)
    made = Gan(SIDE, (4, 4), LATENT, 4)
    made.generator = cast(nn.Module, Painter())
    made.name_cells(pd.DataFrame({"label": [0, 1, 0, 1, 1], "magnification": [40, 40, 100, 100, 200]}))
    # sorted: benign 40, benign 100, malignant 40, 100, 200; the painter wants malignant ones on odd places
    made.cells[:5] = torch.tensor([[0, 40], [1, 40], [0, 100], [1, 100], [1, 200]])
    return made.eval()


JURY = Jury(Bright(0.3), [Bright(0.55), Bright(0.75)])


def test_the_victim_flips_where_it_was_planted_and_so_do_the_oracles(gan: Gan) -> None:
    frame = table(walks(gan, JURY, 0, Room(4)))
    assert len(frame) == 2 * STARTS * STEPS  # 200X has no benign label
    assert set(frame["magnification"]) == {40, 100}
    assert set(frame.loc[frame["victim_flips"], "position"]) == {0.375}  # the first of 0, 1/8, ... above 0.3
    assert set(frame.loc[frame["oracles_flip"], "position"]) == {0.75}  # their mean is at 0.65
    assert frame["victim_flips"].sum() == frame["oracles_flip"].sum() == 2 * STARTS
    assert (frame["victim"] >= frame["oracle_mean"]).all()


def test_nothing_but_the_label_changes(gan: Gan) -> None:
    walks(gan, JURY, 0, Room(STEPS))
    seen = cast(Painter, gan.generator).seen
    assert all(torch.equal(z, z[:1].expand_as(z)) for z in seen)
    assert torch.equal(seen[0], seen[STARTS])  # the same starts at every magnification
    assert not torch.equal(seen[0], seen[1])


def test_the_ends_of_a_walk_are_the_two_labels() -> None:
    torch.manual_seed(0)
    gan = Gan(SIDE, (4, 4), LATENT, 4).eval()
    for norm in gan.generator.norms:
        nn.init.normal_(norm.gain.weight), nn.init.normal_(norm.shift.weight)
    z = torch.randn(2, LATENT)
    blend = nn.functional.one_hot(torch.tensor([3, 5]), LABELS).float()
    assert torch.allclose(gan.generator(z, blend), gan.generator(z, torch.tensor([3, 5])), atol=1e-6)
    middle = gan.generator(z[:1], blend.mean(0, keepdim=True))
    assert all((middle - end).abs().max() > 1e-4 for end in gan.generator(z[:1].expand(2, -1), torch.tensor([3, 5])))


def test_a_score_that_turns_back_flips_twice() -> None:
    assert flips(torch.tensor([0.1, 0.5, 0.9, 0.2])) == [False, True, False, True]


def test_the_picture_marks_both_flips_and_the_table_is_written(gan: Gan, tmp_path: Path) -> None:
    found = walks(gan, JURY, 0, Room(64))
    write_walks(found, tmp_path)
    colours = {colour for _, colour in Image.open(tmp_path / "walk.png").getcolors(1 << 20) or []}
    assert {VICTIM, ORACLES} <= colours
    frame = pd.read_csv(tmp_path / "walk.csv")
    assert frame["malignant"].unique().tolist() == ["malignant 40X", "malignant 100X"]
    assert found[0].ends == (Cell(0, 40), Cell(1, 40))


def test_without_two_classes_there_is_no_walk(gan: Gan, tmp_path: Path) -> None:
    gan.cells[:5, 0] = 1
    write_walks(walks(gan, JURY, 0, Room(4)), tmp_path)
    assert list(tmp_path.iterdir()) == []
