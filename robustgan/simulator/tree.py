"""Pictures of many patients, written as the tree of BreakHis, so that the same loader reads it."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image

from robustgan.journal import Tick, silent
from robustgan.simulator.noise import stream
from robustgan.simulator.patient import BENIGN, Patient, draw_patient
from robustgan.simulator.render import MAGNIFICATIONS, picture
from robustgan.simulator.subtypes import lay_out

CODES = {
    "adenosis": "A",
    "fibroadenoma": "F",
    "phyllodes_tumor": "PT",
    "tubular_adenoma": "TA",
    "ductal_carcinoma": "DC",
    "lobular_carcinoma": "LC",
    "mucinous_carcinoma": "MC",
    "papillary_carcinoma": "PC",
}
YEAR = 99  # no real accession has it
FIRST = 10000  # accession of patient 0


class Study(NamedTuple):
    """Which pictures there are."""

    patients: int
    fields: int  # a patient
    width: int  # pixels
    height: int
    seed: int
    malignant: float  # share of patients


def write_tree(root: Path, study: Study, tick: Tick = silent) -> None:
    """Write every picture of a study under `root`; patients and fields that two studies share are the same bytes."""
    total = study.patients * study.fields
    for number in range(study.patients):
        patient = draw_patient(study.seed, number, study.malignant)
        for field in range(study.fields):
            _write_field(root, study, patient, field)
            tick(number * study.fields + field + 1, total, "fields painted")


def _write_field(root: Path, study: Study, patient: Patient, field: int) -> None:
    section = lay_out(patient, study.seed, field, study.height / study.width)
    for magnification in MAGNIFICATIONS:
        camera = stream(study.seed, 3, patient.number, field, magnification)
        pixels = picture(section, magnification, (study.width, study.height), camera)
        path = root / place(patient, field, magnification)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, "PNG")


def place(patient: Patient, field: int, magnification: int) -> Path:
    """Where a picture lies in the tree; folder names join the type with an underscore, file names with a hyphen."""
    side = "benign" if patient.subtype in BENIGN else "malignant"
    kind, slide = f"SOB_{side[0].upper()}_{CODES[patient.subtype]}", f"{YEAR}-{FIRST + patient.number}"
    folder = Path("BreaKHis_v1/histology_slides/breast") / side / "SOB" / patient.subtype / f"{kind}_{slide}"
    return folder / f"{magnification}X" / f"{kind}-{slide}-{magnification}-{field + 1:03d}.png"
