import numpy as np
import pytest

from robustgan.simulator.cells import MYOEPITHELIAL
from robustgan.simulator.patient import BENIGN, MALIGNANT, draw_patient
from robustgan.simulator.section import Compartment, Section
from robustgan.simulator.subtypes import LAYOUTS, lay_out


@pytest.fixture(scope="module")
def sections() -> dict[str, list[Section]]:
    """Three patients of every subtype, one field of each."""
    found: dict[str, list[Section]] = {}
    for number in range(24):
        patient = draw_patient(0, number, 0.5)
        found.setdefault(patient.subtype, []).append(lay_out(patient, 0, 0, 0.66))
    return found


def share(section: Section, *kinds: Compartment) -> float:
    return float(np.isin(np.asarray(section.map), kinds).mean())


def epithelial_radius(section: Section) -> float:
    """Geometric mean radius of the larger half of the nuclei that lie in epithelium, micrometres."""
    everyone = section.population
    there = section.at(np.stack([everyone.x, everyone.y], -1))
    radius = np.sqrt(everyone.long * everyone.short)[np.isin(there, (Compartment.LINING, Compartment.SOLID))]
    return float(np.median(radius[radius > MYOEPITHELIAL.radius]))


def test_every_subtype_of_breakhis_has_a_layout() -> None:
    assert set(LAYOUTS) == {*BENIGN, *MALIGNANT}


def test_tumour_nuclei_are_larger(sections: dict[str, list[Section]]) -> None:
    grown = [s for s in MALIGNANT if s != "lobular_carcinoma"]  # whose cells lie in the stroma
    malignant = [epithelial_radius(s) for name in grown for s in sections[name]]
    benign = [epithelial_radius(s) for name in BENIGN for s in sections[name]]
    assert np.mean(malignant) > 1.2 * np.mean(benign)


def test_architecture_follows_the_diagnosis(sections: dict[str, list[Section]]) -> None:
    solid, lumen, mucin = (
        {name: np.mean([share(s, kind) for s in group]) for name, group in sections.items()}
        for kind in (Compartment.SOLID, Compartment.LUMEN, Compartment.MUCIN)
    )
    assert solid["ductal_carcinoma"] > 0.2
    assert solid["lobular_carcinoma"] == 0
    assert mucin["mucinous_carcinoma"] > 0.3
    assert all(mucin[name] == 0 for name in LAYOUTS if name != "mucinous_carcinoma")
    assert lumen["tubular_adenoma"] > lumen["lobular_carcinoma"]
    assert lumen["papillary_carcinoma"] > 0.08


def test_the_middle_of_the_field_shows_epithelium(sections: dict[str, list[Section]]) -> None:
    """The strongest objective looks there; a file of lobular carcinoma has no compartment of its own."""
    kinds = (Compartment.LINING, Compartment.SOLID)
    seen = []
    for name in set(LAYOUTS) - {"lobular_carcinoma"}:
        for section in sections[name]:
            width, height = section.map.size
            middle = section.map.crop((width * 9 // 20, height * 9 // 20, width * 11 // 20, height * 11 // 20))
            seen.append(np.isin(np.asarray(middle), kinds).mean() > 0.03)
    assert np.mean(seen) > 0.85


def test_no_nucleus_hangs_in_an_empty_space(sections: dict[str, list[Section]]) -> None:
    for section in (s for group in sections.values() for s in group):
        everyone = section.population
        blue = everyone.keep(everyone.haematoxylin > 0)  # red cells may
        there = section.at(np.stack([blue.x, blue.y], -1))
        assert not np.isin(there, (Compartment.LUMEN, Compartment.FAT)).any()
