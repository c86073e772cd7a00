import numpy as np
import pytest
from PIL import Image

from robustgan.simulator.noise import stream
from robustgan.simulator.patient import draw_patient
from robustgan.simulator.render import MAGNIFICATIONS, picture
from robustgan.simulator.section import Section
from robustgan.simulator.subtypes import lay_out

SIZE = (240, 160)


def seen(section: Section, magnification: int) -> np.ndarray:
    return picture(section, magnification, SIZE, stream(0, 3, magnification))


def likeness(weak: np.ndarray, strong: np.ndarray, factor: int) -> float:
    """Correlation of the middle of a weak objective's picture with a strong one's, made as small."""
    width, height = SIZE[0] // factor, SIZE[1] // factor
    left, top = (SIZE[0] - width) // 2, (SIZE[1] - height) // 2
    middle = weak[top : top + height, left : left + width].astype(float)
    small = np.asarray(Image.fromarray(strong).resize((width, height), Image.Resampling.BOX), float)
    return float(np.corrcoef(middle.mean(2).ravel(), small.mean(2).ravel())[0, 1])


@pytest.mark.parametrize("number", range(8))
def test_a_stronger_objective_sees_the_middle_of_the_same_field(number: int) -> None:
    here, elsewhere = (lay_out(draw_patient(0, number, 0.5), 0, field, SIZE[1] / SIZE[0]) for field in (0, 1))
    for weak, strong in ((100, 200), (100, 400), (200, 400)):
        same = likeness(seen(here, weak), seen(here, strong), strong // weak)
        other = likeness(seen(here, weak), seen(elsewhere, strong), strong // weak)
        assert same > 0.6, (weak, strong)
        assert same > other + 0.25, (weak, strong)


@pytest.mark.parametrize("size", [(140, 92), (92, 140), (33, 32)])
def test_pictures_have_the_asked_size(size: tuple[int, int]) -> None:
    section = lay_out(draw_patient(1, 0, 0.5), 1, 0, size[1] / size[0])
    for magnification in MAGNIFICATIONS:
        pixels = picture(section, magnification, size, stream(0))
        assert pixels.shape == (size[1], size[0], 3)
        assert pixels.dtype == np.uint8
        assert pixels.std() > 5


def test_a_picture_depends_on_its_own_camera_noise_alone() -> None:
    section = lay_out(draw_patient(0, 3, 0.5), 0, 0, SIZE[1] / SIZE[0])
    first = seen(section, 40)
    seen(section, 400)
    np.testing.assert_array_equal(seen(section, 40), first)
