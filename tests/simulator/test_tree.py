import re
from pathlib import Path

import pytest
from PIL import Image

from robustgan.simulator.patient import BENIGN, MALIGNANT, draw_patient
from robustgan.simulator.tree import Study, write_tree

STUDY = Study(patients=3, fields=1, width=48, height=32, seed=5, malignant=0.5)
NAME = re.compile(
    r"^SOB_(?P<side>B|M)_(?P<type>A|F|PT|TA|DC|LC|MC|PC)-99-(?P<accession>\d+)-(?P<mag>40|100|200|400)-(?P<seq>\d{3})\.png$"
)


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    write_tree(root, STUDY)
    return root


def test_names_and_folders_are_those_of_breakhis(tree: Path) -> None:
    files = contents(tree)
    assert len(files) == 3 * 4
    for path in files:
        *top, side, sob, subtype, slide, magnification, name = path.split("/")
        found = NAME.match(name)
        assert found, name
        assert top == ["BreaKHis_v1", "histology_slides", "breast"]
        assert (sob, side) == ("SOB", {"B": "benign", "M": "malignant"}[found["side"]])
        assert magnification == f"{found['mag']}X"
        assert slide == f"SOB_{found['side']}_{found['type']}_99-{found['accession']}"
        assert subtype in (BENIGN if side == "benign" else MALIGNANT)


def test_the_same_study_has_the_same_bytes_and_nothing_but_pixels(tree: Path, tmp_path: Path) -> None:
    write_tree(tmp_path, STUDY)
    assert contents(tmp_path) == contents(tree)
    for path in sorted(tree.rglob("*.png")):
        with Image.open(path) as image:
            assert (image.mode, image.size, image.info) == ("RGB", (48, 32), {})


def test_more_patients_and_fields_leave_the_first_ones_as_they_were(tree: Path, tmp_path: Path) -> None:
    write_tree(tmp_path, STUDY._replace(patients=4, fields=2))
    more = contents(tmp_path)
    assert len(more) == 4 * 2 * 4
    assert contents(tree).items() <= more.items()


def test_another_seed_gives_other_pictures(tree: Path, tmp_path: Path) -> None:
    write_tree(tmp_path, STUDY._replace(seed=6))
    assert not set(contents(tree).values()) & set(contents(tmp_path).values())


def test_all_pictures_differ(tree: Path) -> None:
    files = contents(tree)
    assert len(set(files.values())) == len(files)


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    ticks: list[tuple[int, int, str]] = []
    write_tree(tmp_path, STUDY._replace(patients=2, fields=2), lambda *tick: ticks.append(tick))
    assert [(done, total) for done, total, _ in ticks] == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 40), (0.25, 20), (0.7, 56)])
def test_classes_and_subtypes_come_in_fair_shares(share: float, expected: int) -> None:
    patients = [draw_patient(0, n, share) for n in range(80)]
    assert sum(p.malignant for p in patients) == expected
    for names, total in ((MALIGNANT, expected), (BENIGN, 80 - expected)):
        counts = [sum(p.subtype == name for p in patients) for name in names]
        assert max(counts) - min(counts) <= 1
        assert sum(counts) == total
