import numpy as np
import pytest

from robustgan.simulator.cells import LUMINAL, Cell, Nuclei, together
from robustgan.simulator.noise import stream
from robustgan.simulator.stamp import Window, stamp

PLAIN = Cell(4.0, spread=0.0, aspect=1.3, haematoxylin=0.05, eosin=0.02, coarse=0.0, pale=0.0, dent=0.0)


def nuclei(points: list[tuple[float, float]], cell: Cell = PLAIN) -> Nuclei:
    return Nuclei.of(stream(1), np.array(points, float), np.full(len(points), 0.5), cell)


@pytest.mark.parametrize("grain", [0.25, 1.2, 2.5, 5.0, 12.0])
def test_a_nucleus_brings_the_same_dye_at_every_magnification(grain: float) -> None:
    one = nuclei([(0.3, -0.8)])
    haematoxylin, eosin = stamp(one, Window(round(60 / grain), round(48 / grain), grain))
    area = np.pi * float((one.long * one.short)[0])
    assert haematoxylin.sum() * grain**2 == pytest.approx(area * one.haematoxylin[0], rel=0.25)
    assert eosin.sum() / haematoxylin.sum() == pytest.approx(float((one.eosin / one.haematoxylin)[0]), rel=0.05)


def test_a_nucleus_looks_the_same_whatever_else_is_in_view() -> None:
    window, textured = Window(60, 60, 0.5), LUMINAL._replace(spread=0.0)
    alone, far = nuclei([(0, 0)], textured), nuclei([(200, 0), (14, 0)], textured._replace(radius=1.0))
    first, _ = stamp(alone, window)
    both, _ = stamp(together([far, alone]), window)
    assert first.max() > 0.3
    np.testing.assert_allclose(both[:, :40], first[:, :40], atol=1e-5)


def test_nothing_in_view_leaves_no_dye() -> None:
    haematoxylin, eosin = stamp(nuclei([(500, 0)]), Window(20, 10, 1.0))
    assert haematoxylin.shape == eosin.shape == (10, 20)
    assert not haematoxylin.any()
    assert not eosin.any()


def test_overlapping_nuclei_darken_but_not_without_end() -> None:
    window, dark = Window(10, 10, 1.0), PLAIN._replace(haematoxylin=1.0)
    one, many = (stamp(nuclei([(0.0, 0.0)] * n, dark), window)[0].max() for n in (1, 30))
    assert one < many < 1.71
