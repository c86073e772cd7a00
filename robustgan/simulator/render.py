"""A field under an objective: compartments, fibres and nuclei become dye, and dye becomes a picture."""

import numpy as np
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter

from robustgan.shapes import Float
from robustgan.simulator.arrays import Pixels, Plane
from robustgan.simulator.noise import texture
from robustgan.simulator.section import GRAIN, WIDTH, Compartment, Section
from robustgan.simulator.stain import transmit
from robustgan.simulator.stamp import Window, stamp

MAGNIFICATIONS = (40, 100, 200, 400)
CAMERA = np.array([[0.84, 0.08, 0.04], [0.12, 0.80, 0.16], [0.04, 0.12, 0.80]], np.float32)  # its channels overlap


def picture(section: Section, magnification: int, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Photograph the middle of a field; `size` is (width, height) in pixels, `rng` serves the camera alone."""
    window = Window(*size, WIDTH * 40 / magnification / size[0])
    haematoxylin, eosin = _dyes(section, window)
    patient = section.patient
    focus = patient.blur * rng.uniform(0.8, 1.25)
    dyes = [gaussian_filter(section.thickness * dye, focus) for dye in (haematoxylin, eosin)]
    light = transmit(patient.stain, dyes[0], dyes[1]) @ CAMERA * _lamp(window, rng)[:, :, None]
    noise = rng.standard_normal(light.shape, dtype=np.float32) * 1.3
    pixels: Pixels = np.clip(255 * light + noise + 0.5, 0, 255).astype(np.uint8)
    return pixels


def _dyes(section: Section, window: Window) -> tuple[Plane, Plane]:
    x, y = _places(window)
    epithelium = _seen(section, window, (Compartment.LINING, Compartment.SOLID))
    empty = _seen(section, window, (Compartment.LUMEN, Compartment.FAT))
    mucin, secretion = (_seen(section, window, (kind,)) for kind in (Compartment.MUCIN, Compartment.SECRETION))
    stroma = np.clip(1 - epithelium - empty - mucin - secretion, 0, 1)
    cloud = texture(x / 9, y / 9)
    strands = np.clip(1 + 0.35 * _strands(x, y), 0, 3) if mucin.any() else 0.0
    matrix = section.stroma * _collagen(section, x, y, window.grain)
    eosin = stroma * matrix + epithelium * (0.42 + 0.07 * cloud) + 0.1 * mucin * strands
    eosin = eosin + secretion * (0.65 + 0.12 * cloud) + 0.01
    haematoxylin = 0.07 * stroma + epithelium * (0.2 + 0.03 * cloud) + 0.16 * mucin * strands
    cells = stamp(section.population, window)
    return haematoxylin + cells[0], eosin + cells[1]


def _strands(x: Plane, y: Plane) -> Plane:
    """Faint threads in mucin."""
    drift = texture(x / 120, y / 120)
    return 0.6 * texture(x / 70 + 0.5 * drift, y / 22 + 1.5 * drift) + 0.5 * texture(x / 16 + drift, y / 7 + 3 * drift)


def _places(window: Window) -> tuple[Plane, Plane]:
    """Micrometres of every pixel's middle."""
    x = (np.arange(window.width, dtype=np.float32) + 0.5 - window.width / 2) * np.float32(window.grain)
    y = (np.arange(window.height, dtype=np.float32) + 0.5 - window.height / 2) * np.float32(window.grain)
    return np.broadcast_to(x, (window.height, window.width)), np.broadcast_to(y[:, None], (window.height, window.width))


def _seen(section: Section, window: Window, kinds: tuple[Compartment, ...]) -> Plane:
    """Share of each pixel that these compartments take, with edges as sharp as the objective allows."""
    if not section.holds(kinds):
        return np.zeros((window.height, window.width), np.float32)
    middle = np.asarray(section.map.size) / 2
    half = np.array([window.width, window.height]) * window.grain / GRAIN / 2
    first = np.maximum(np.floor(middle - half) - 4, 0).astype(int)
    last = np.minimum(np.ceil(middle + half) + 4, section.map.size).astype(int)
    table = [255 * (code in kinds) for code in range(256)]
    mask = section.map.crop((first[0], first[1], last[0], last[1])).point(table)
    if window.grain < 2 * GRAIN:  # corners of the painted map would show
        mask = mask.filter(ImageFilter.GaussianBlur(1))
    low, high = np.maximum(middle - half - first, 0), np.minimum(middle + half - first, mask.size)
    box = (low[0], low[1], high[0], high[1])
    seen = np.asarray(mask.resize((window.width, window.height), Image.Resampling.BICUBIC, box), np.float32) / 255
    return np.clip(0.5 + (seen - 0.5) * max(1.0, GRAIN * 2.5 / max(window.grain, 1.2)), 0, 1)


def _collagen(section: Section, x: Plane, y: Plane, grain: float) -> Plane:
    """Eosin of the matrix, mean about 1: bundles of fibres, finer ones where the objective shows them."""
    run = section.fibres
    across = run.across(x, y)
    along = x * np.cos(run.angle) + y * np.sin(run.angle)
    total = np.zeros_like(x)
    for width, weight in ((70, 0.5), (22, 0.6), (8, 0.7), (3, 0.6)):
        if width > 1.3 * grain:
            total = total + weight * texture(along / (6 * width) + width, across / width)
    cracks = np.clip(4 * (texture(along / 170 + 7, across / 26) + 1.55), 0, 1)  # the knife tears bundles apart
    return np.clip(1 + 0.3 * section.patient.fibrous * total, 0.1, 1.7) * cracks


def _lamp(window: Window, rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """Uneven light: a bright middle a little off centre."""
    x, y = _places(window)
    scale = window.width * window.grain / 2
    shift = rng.normal(0, 0.25, 2)
    fall = 0.05 * rng.uniform(0.3, 1.3)
    bright = rng.uniform(0.9, 1.03)
    light: Plane = bright * (1 - fall * ((x / scale - shift[0]) ** 2 + (y / scale - shift[1]) ** 2))
    return light.astype(np.float32)
