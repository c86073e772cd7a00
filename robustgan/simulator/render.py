"""A field under an objective: compartments, fibres and nuclei become dye, dye becomes colour, colour becomes a picture."""

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter

from robustgan.simulator.arrays import Pixels, Plane
from robustgan.simulator.cells import together
from robustgan.simulator.noise import texture
from robustgan.simulator.section import GRAIN, WIDTH, Compartment, Section
from robustgan.simulator.stain import transmit
from robustgan.simulator.stamp import Window, stamp

MAGNIFICATIONS = (40, 100, 200, 400)


def picture(section: Section, magnification: int, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Photograph the middle of a field; `size` is (width, height) in pixels, `rng` serves the camera alone."""
    window = Window(*size, WIDTH * 40 / magnification / size[0])
    haematoxylin, eosin = _dyes(section, window)
    patient = section.patient
    focus = patient.blur * rng.uniform(0.8, 1.25)
    dyes = [gaussian_filter(patient.thickness * dye, focus) for dye in (haematoxylin, eosin)]
    light = transmit(patient.stain, dyes[0], dyes[1]) * _lamp(window, rng)[:, :, None]
    noise = rng.standard_normal(light.shape, dtype=np.float32) * 1.3
    return np.clip(255 * light + noise + 0.5, 0, 255).astype(np.uint8)


def _dyes(section: Section, window: Window) -> tuple[Plane, Plane]:
    x, y = _places(window)
    epithelium = _seen(section, window, (Compartment.LINING, Compartment.SOLID))
    empty = _seen(section, window, (Compartment.LUMEN, Compartment.FAT))
    mucin, secretion = (_seen(section, window, (kind,)) for kind in (Compartment.MUCIN, Compartment.SECRETION))
    stroma = np.clip(1 - epithelium - empty - mucin - secretion, 0, 1)
    cloud = texture(x / 9, y / 9)
    streaks = texture(x / 60 + 0.3 * texture(x / 90, y / 90), y / 14 + texture(x / 70, y / 70))
    matrix = section.stroma * _collagen(section, x, y, window.grain)
    eosin = stroma * matrix + epithelium * (0.38 + 0.06 * cloud) + mucin * np.clip(0.07 + 0.04 * streaks, 0, 1)
    eosin = eosin + secretion * (0.6 + 0.12 * cloud) + 0.01
    haematoxylin = 0.07 * stroma + epithelium * (0.2 + 0.03 * cloud) + mucin * np.clip(0.11 + 0.06 * streaks, 0, 1)
    cells = stamp(together(section.nuclei), window)
    return haematoxylin + cells[0], np.maximum(eosin * (1 - 0.35 * np.minimum(cells[0], 1)), 0) + cells[1]


def _places(window: Window) -> tuple[Plane, Plane]:
    """Micrometres of every pixel's middle."""
    x = (np.arange(window.width, dtype=np.float32) + 0.5 - window.width / 2) * np.float32(window.grain)
    y = (np.arange(window.height, dtype=np.float32) + 0.5 - window.height / 2) * np.float32(window.grain)
    return np.broadcast_to(x, (window.height, window.width)), np.broadcast_to(y[:, None], (window.height, window.width))


def _seen(section: Section, window: Window, kinds: tuple[Compartment, ...]) -> Plane:
    """Share of each pixel that these compartments take, with edges as sharp as the objective allows."""
    table = [255 * (code in kinds) for code in range(256)]
    mask = section.map.point(table).filter(ImageFilter.GaussianBlur(1))
    middle = np.asarray(mask.size) / 2
    half = np.array([window.width, window.height]) * window.grain / GRAIN / 2
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half, mask.size)
    box = (low[0], low[1], high[0], high[1])
    seen = np.asarray(mask.resize((window.width, window.height), Image.Resampling.BICUBIC, box), np.float32) / 255
    sharpness = max(1.0, GRAIN * 2.5 / max(window.grain, 1.2))
    return np.clip(0.5 + (seen - 0.5) * sharpness, 0, 1)


def _collagen(section: Section, x: Plane, y: Plane, grain: float) -> Plane:
    """Eosin of the matrix, mean about 1: bundles of fibres, finer ones where the objective shows them."""
    run = section.fibres
    across = run.across(x, y)
    along = x * np.cos(run.angle) + y * np.sin(run.angle)
    total = np.zeros_like(x)
    for width, weight in ((70, 0.5), (22, 0.6), (8, 0.7), (3, 0.6)):
        if width > 1.3 * grain:
            total = total + weight * texture(along / (6 * width) + width, across / width)
    contrast = 0.3 * section.patient.fibrous
    return np.clip(1 + contrast * total, 0.04, 1.7)


def _lamp(window: Window, rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """Uneven light: a bright middle a little off centre."""
    x, y = _places(window)
    scale = window.width * window.grain / 2
    shift = rng.normal(0, 0.25, 2)
    return (1 - 0.05 * rng.uniform(0.3, 1.3) * ((x / scale - shift[0]) ** 2 + (y / scale - shift[1]) ** 2)).astype(np.float32)
