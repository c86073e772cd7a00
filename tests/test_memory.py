"""What counts as memory that ran out."""

import torch

from robustgan.errors import MemoryShortError
from robustgan.memory import refusal, short


def test_it_is_known_from_its_class_its_words_or_its_cause() -> None:
    assert short(MemoryError())
    assert short(torch.OutOfMemoryError("CUDA out of memory"))
    assert short(MemoryShortError("no smaller batch"))
    assert short(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))
    caused = RuntimeError("in a library")
    caused.__cause__ = MemoryError()
    assert short(caused)


def test_other_errors_are_not_taken_for_it() -> None:
    assert not short(RuntimeError("shape mismatch"))
    assert not short(None)


def test_a_refusal_says_what_to_do() -> None:
    text = refusal("pgd", "CUDA out of memory")
    assert text.startswith("pgd: out of memory with a batch of one image (CUDA out of memory). ")
    assert "--retry-failed" in text
