import numpy as np
import pytest

from robustgan.simulator.noise import stream
from robustgan.simulator.shapes import Form, blobs, lattice, outline, walk

ROUND = Form(spread=0.0, stretch=(1.0, 1.0), swing=0.0)


def circle(radius: float = 20.0, centre: tuple[float, float] = (5.0, -3.0)) -> np.ndarray:
    return outline(blobs(stream(0), np.array([centre]), radius, ROUND), 60)


def test_a_shape_without_waves_is_a_circle_and_the_inset_lies_inside_it() -> None:
    shape = blobs(stream(0), np.array([[5.0, -3.0]]), 20.0, ROUND)
    reach = np.linalg.norm(outline(shape, 60) - [5.0, -3.0], axis=-1)
    inner = np.linalg.norm(outline(shape, 60, inset=4.0) - [5.0, -3.0], axis=-1)
    np.testing.assert_allclose(reach, 20, rtol=1e-6)
    np.testing.assert_allclose(inner, 16, rtol=1e-6)


def test_stretching_keeps_the_area() -> None:
    shape = blobs(stream(0), np.zeros((1, 2)), 10.0, Form(0.0, (4.0, 4.0), 0.0, 0.0))
    x, y = outline(shape, 400)[0].T
    area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    assert area == pytest.approx(np.pi * 100, rel=0.01)
    assert np.hypot(x, y).max() / np.hypot(x, y).min() == pytest.approx(4, rel=0.01)


def test_walking_goes_round_every_curve_at_the_asked_spacing() -> None:
    curves = np.concatenate([circle(20.0), circle(40.0, (300.0, 0.0))])
    ring = walk(curves, 5.0, stream(1))
    assert np.bincount(ring.owner).tolist() == [25, 50]  # 2 pi r / spacing
    centres = np.array([[5.0, -3.0], [300.0, 0.0]])[ring.owner]
    out = ring.points - centres
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), np.array([20, 40])[ring.owner], rtol=0.01)
    along = np.stack([np.cos(ring.angle), np.sin(ring.angle)], -1)
    radial = out / np.linalg.norm(out, axis=1, keepdims=True)
    assert np.abs((along * radial).sum(1)).max() < 0.15  # at right angles, up to the corners of the polygon


def test_walking_along_no_curve_finds_no_place() -> None:
    assert len(walk(np.zeros((0, 8, 2)), 5.0, stream(0)).points) == 0


def test_the_lattice_covers_the_field_and_one_point_is_close_to_its_middle() -> None:
    for key in range(20):
        points = lattice(stream(3, key), (1800.0, 1200.0), 200.0, 0.3)
        assert np.linalg.norm(points, axis=1).min() < 0.4 * 0.3 * 200 * np.sqrt(2)
        assert (points.max(0) > [900, 600]).all()
        assert (points.min(0) < [-900, -600]).all()
