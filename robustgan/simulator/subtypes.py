"""The eight diagnoses of BreakHis as layouts: what a pathologist would look for, in a few lines each."""

from collections.abc import Callable

import numpy as np

from robustgan.shapes import Bool, Float
from robustgan.simulator import architecture as build
from robustgan.simulator.arrays import Points
from robustgan.simulator.cells import FIBROBLAST, LUMINAL, Cell
from robustgan.simulator.noise import stream
from robustgan.simulator.patient import Patient
from robustgan.simulator.section import WIDTH, Compartment, Section
from robustgan.simulator.shapes import Form, blobs, lattice, outline


def lay_out(patient: Patient, seed: int, field: int, aspect: float) -> Section:
    """Lay one field out, `aspect` times as high as wide; it depends on the seed, the patient and the field alone."""
    section = Section(patient, WIDTH * aspect, stream(seed, 2, patient.number, field))
    rng = section.rng
    if rng.random() < patient.fatty:
        build.fat(section)
    build.vessels(section, int(rng.integers(2, 7)))
    LAYOUTS[patient.subtype](section)
    build.infiltrate(section, int(rng.poisson(8 * patient.inflamed)))
    if patient.malignant:
        normal_remnant(section)
    section.clear()
    build.blood(section, int(rng.integers(0, 4)))
    return section


def tumour(patient: Patient, radius: float, wild: float) -> Cell:
    """A tumour cell: larger, uneven, with coarse or empty chromatin and nucleoli; `wild` says how far that goes."""
    grade = wild * (0.6 + 0.9 * patient.grade)
    return Cell(
        radius * (1 + 0.12 * grade),
        spread=0.12 + 0.14 * grade,
        aspect=1.3,
        haematoxylin=0.85,
        coarse=0.2 + 0.35 * grade,
        pale=0.25 + 0.35 * grade,
        nucleolus=0.9 * grade,
        dent=0.06 + 0.07 * grade,
    )


def adenosis(section: Section) -> None:
    """Lobules crowded with small two-layered glands, some of them cysts, in fibrous stroma."""
    rng = section.rng
    section.stroma = rng.uniform(0.55, 0.85)
    lobules = lattice(rng, section.extent, rng.uniform(330, 480), 0.2)
    acini = lattice(rng, section.extent, rng.uniform(58, 70), 0.16)
    reach = rng.uniform(120, 190, len(lobules))
    acini = acini[within(acini, lobules, reach)]
    cysts = lobules[rng.random(len(lobules)) < 0.25] + rng.normal(0, 60, 2)
    build.glands(section, blobs(rng, acini, rng.uniform(23, 27), Form(0.14, (1, 1.6), 0.0, 0.03)))
    build.glands(section, blobs(rng, cysts, 62, Form(0.3, (1, 1.5), 0.0, 0.05)))
    hyperplasia(section, lobules)
    build.stroma(section, 24)


def fibroadenoma(section: Section) -> None:
    """Long slit-like ducts pressed flat by pale, evenly cellular stroma."""
    rng = section.rng
    section.stroma = rng.uniform(0.5, 0.9)
    ducts = lattice(rng, section.extent, rng.uniform(190, 280), 0.25)
    build.glands(section, blobs(rng, ducts, rng.uniform(34, 42), Form(0.25, (1.8, 5), 0.22, 0.06)), 12.5)
    hyperplasia(section, ducts)
    build.stroma(section, rng.uniform(14, 19))


def phyllodes_tumor(section: Section) -> None:
    """Leaves of crowded stroma that bulge into clefts, covered by two-layered epithelium."""
    rng = section.rng
    section.stroma = rng.uniform(0.55, 0.95)
    clefts = lattice(rng, section.extent, rng.uniform(520, 640), 0.15)
    caves = blobs(rng, clefts, rng.uniform(170, 220), Form(0.15, (1.3, 2.4), 0.12, 0.12))
    build.glands(section, caves, 13)
    at = lattice(rng, section.extent, rng.uniform(130, 165), 0.25)
    at = at[section.at(at) == Compartment.LUMEN]
    build.leaves(section, blobs(rng, at, rng.uniform(56, 72), Form(0.2, (1.1, 2.2), 0.1, 0.06)), 12, LUMINAL, 1)
    ducts = lattice(rng, section.extent, 260, 0.3)
    ducts = ducts[section.at(ducts) == Compartment.STROMA]
    build.glands(section, blobs(rng, ducts, 26, Form(0.25, (1.5, 5), 0.2, 0.06)))
    build.stroma(section, rng.uniform(11, 14), FIBROBLAST._replace(radius=2.9, spread=0.22, aspect=3.4))


def tubular_adenoma(section: Section) -> None:
    """Uniform round tubules back to back, hardly any stroma."""
    rng = section.rng
    section.stroma = rng.uniform(0.55, 0.9)
    tubules = lattice(rng, section.extent, rng.uniform(53, 60), 0.1)
    sparse = rng.uniform(0.0, 0.25)
    tubules = tubules[rng.random(len(tubules)) > sparse]
    build.glands(section, blobs(rng, tubules, rng.uniform(23, 27), Form(0.1, (1, 1.35), 0.0, 0.025)), 13)
    build.stroma(section, 21)


def ductal_carcinoma(section: Section) -> None:
    """Ragged nests and sheets of large uneven nuclei, some cribriform or dying in the middle, in scar-like stroma."""
    rng, patient = section.rng, section.patient
    section.stroma = rng.uniform(0.55, 0.9)
    cell = tumour(patient, 5.1, 1.0)
    islands = lattice(rng, section.extent, rng.uniform(105, 190), 0.3)
    build.nests(section, blobs(rng, islands, rng.uniform(32, 54), Form(0.4, (1, 2.8), 0.2, 0.2)))
    build.holes(section, 42, 8, rng.uniform(0, 0.6), Compartment.LUMEN)
    if rng.random() < 0.4:
        build.holes(section, 170, 26, 0.4, Compartment.SECRETION)
    build.fill(section, Compartment.SOLID, 2.5 * cell.radius, cell)
    build.fill(section, Compartment.STROMA, 40, cell, share=0.4)
    build.stroma(section, 22)


def lobular_carcinoma(section: Section) -> None:
    """Small even cells in single files and alone, among dense fibres; no glands are formed."""
    rng, patient = section.rng, section.patient
    section.stroma = rng.uniform(0.5, 0.85)
    cell = tumour(patient, 4.8, 0.45)._replace(aspect=1.15)
    starts = lattice(rng, section.extent, rng.uniform(42, 66), 0.5)
    build.files(section, starts, 9, cell)
    build.fill(section, Compartment.STROMA, 40, cell, share=0.45)
    build.stroma(section, 27)


def mucinous_carcinoma(section: Section) -> None:
    """Clusters of tumour cells afloat in pools of mucin between thin septa."""
    rng, patient = section.rng, section.patient
    section.stroma = rng.uniform(0.55, 0.85)
    cell = tumour(patient, 4.7, 0.55)
    pools = lattice(rng, section.extent, rng.uniform(300, 400), 0.15)
    section.paint(outline(blobs(rng, pools, 165, Form(0.15, (1, 1.5), 0.1, 0.1)), 60), Compartment.MUCIN)
    clusters = lattice(rng, section.extent, rng.uniform(95, 135), 0.3)
    clusters = clusters[section.at(clusters) == Compartment.MUCIN]
    build.nests(section, blobs(rng, clusters, rng.uniform(26, 38), Form(0.35, (1, 2.4), 0.2, 0.14)))
    build.holes(section, 40, 7, 0.25, Compartment.LUMEN)
    build.fill(section, Compartment.SOLID, 2.5 * cell.radius, cell)
    build.fill(section, Compartment.MUCIN, 75, cell, share=0.4)
    build.stroma(section, 22)


def papillary_carcinoma(section: Section) -> None:
    """Slender fronds with thin cores under several rows of crowded cells, in open cystic spaces."""
    rng, patient = section.rng, section.patient
    section.stroma = rng.uniform(0.55, 0.85)
    cell = tumour(patient, 4.5, 0.65)._replace(aspect=1.6)
    cysts = lattice(rng, section.extent, rng.uniform(430, 560), 0.12)
    section.paint(outline(blobs(rng, cysts, 215, Form(0.15, (1, 1.6), 0.0, 0.1)), 60), Compartment.LUMEN)
    fronds = lattice(rng, section.extent, rng.uniform(84, 106), 0.3)
    fronds = fronds[section.at(fronds) == Compartment.LUMEN]
    shape = Form(0.25, (1.2, 3.5), 0.25, 0.1)
    build.leaves(section, blobs(rng, fronds, rng.uniform(40, 48), shape), rng.uniform(20, 25), cell, 3)
    build.stroma(section, 20)


def hyperplasia(section: Section, places: Points) -> None:
    """Ducts filled with small even cells: benign, and easily taken for worse."""
    rng = section.rng
    chosen = places[rng.random(len(places)) < 0.2 * section.patient.grade]
    build.nests(section, blobs(rng, chosen + rng.normal(0, 45, chosen.shape), 34, Form(0.25, (1, 1.8), 0.1, 0.05)))
    build.holes(section, 34, 7, 0.3, Compartment.LUMEN)
    build.fill(section, Compartment.SOLID, 8.5, LUMINAL)


def normal_remnant(section: Section) -> None:
    """A few normal glands that the tumour has not reached."""
    rng = section.rng
    places = rng.uniform(-0.5, 0.5, (int(rng.integers(0, 5)), 2)) * section.extent
    places = (places[:, None] + rng.normal(0, 45, (len(places), 4, 2))).reshape(-1, 2)
    places = places[section.at(places) == Compartment.STROMA]
    build.glands(section, blobs(rng, places, 25, Form(0.2, (1, 1.6), 0.0, 0.03)))


def within(points: Points, centres: Float[np.ndarray, "m 2"], reach: Float[np.ndarray, " m"]) -> Bool[np.ndarray, " n"]:
    """Whether each point is closer to any centre than that centre reaches, micrometres."""
    near: Bool[np.ndarray, " n"] = (np.linalg.norm(points[:, None] - centres[None], axis=-1) < reach).any(1)
    return near


LAYOUTS: dict[str, Callable[[Section], None]] = {
    layout.__name__: layout
    for layout in (
        *(adenosis, fibroadenoma, phyllodes_tumor, tubular_adenoma),
        *(ductal_carcinoma, lobular_carcinoma, mucinous_carcinoma, papillary_carcinoma),
    )
}
