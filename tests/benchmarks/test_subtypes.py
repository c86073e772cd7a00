"""The benchmark's problem with eight diagnoses."""

import torch

from benchmarks import subtypes


def test_patients_of_eight_diagnoses_and_other_seeds_are_other_patients() -> None:
    x, y = subtypes.problem(16, seed=5)
    assert x.shape == (16, 3, subtypes.SIZE, subtypes.SIZE)
    assert torch.equal(x, (x * 255).round() / 255)
    assert sorted(set(y.tolist())) == list(range(8))
    again, _ = subtypes.problem(16, seed=5)
    other, _ = subtypes.problem(16, seed=6)
    assert torch.equal(x, again)
    assert not torch.equal(x, other)


def test_networks_are_frozen_and_hardening_changes_them() -> None:
    plain, hardened = (subtypes.network(way, patients=16, epochs=1) for way in (False, True))
    x, _ = subtypes.problem(4, seed=5)
    assert plain(x).shape == (4, 8)
    assert not torch.equal(plain(x), hardened(x))
    assert not plain.training
    assert not any(part.requires_grad for part in (*plain.parameters(), *hardened.parameters()))
    assert torch.equal(plain(x), subtypes.network(False, patients=16, epochs=1)(x))


def test_a_slide_is_laid_down_in_eight_ways() -> None:
    x = torch.arange(27.0).view(1, 3, 3, 3)
    assert len({tuple(subtypes.turned(x, way).flatten().tolist()) for way in range(8)}) == 8
