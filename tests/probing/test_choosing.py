"""Which images are probed: both classes, many patients, whatever the order of the rows."""

import torch

from robustgan.probing.choosing import chosen, part
from tests.conftest import samples_of


def test_classes_and_patients_take_turns() -> None:
    images = torch.arange(60).view(60, 1, 1, 1).expand(60, 3, 16, 16).to(torch.uint8).contiguous()
    some = samples_of(images, (torch.arange(60) >= 50).long())  # 50 benign, 10 malignant, two images a patient
    found = chosen(some, 20)
    assert len(found) == 20
    assert int(found.labels.sum()) == 10
    assert found.rows["group"].nunique() == 15  # ten benign patients with one image, five malignant ones with two
    assert found.images[:, 0, 0, 0].tolist() == [int(path[5:-4]) for path in found.rows["path"]]


def test_the_choice_does_not_depend_on_the_order_of_the_rows() -> None:
    images = torch.randint(0, 256, (40, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    some = samples_of(images, torch.arange(40) % 2)
    turned = part(some, list(range(39, -1, -1)))
    assert set(chosen(some, 9).rows["image_id"]) == set(chosen(turned, 9).rows["image_id"])


def test_all_images_where_there_are_no_more() -> None:
    some = samples_of(torch.zeros(8, 3, 16, 16, dtype=torch.uint8), torch.arange(8) % 2)
    assert len(chosen(some, 128)) == 8
