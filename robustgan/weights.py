"""Weights on disk: safetensors, or torch files read without running anything that is in them."""

from __future__ import annotations

import difflib
import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from robustgan.errors import InputError
from robustgan.tensors import Network, Tensor

SUFFIXES = (".safetensors", ".pt", ".pth")
NESTED = (
    "state_dict",
    "model_state_dict",
    "model",
)  # where training scripts put the weights inside a checkpoint
SHOWN = 5  # names listed of each kind of misfit


def save(network: Network, path: Path) -> None:
    """Write all parameters and buffers as safetensors, atomically; equal weights give equal bytes."""
    state = {name: value.detach().cpu().contiguous().clone() for name, value in network.state_dict().items()}
    partial = path.with_name(f"{path.name}.tmp")
    save_file(state, partial)
    partial.replace(path)


def load(network: Network, path: Path) -> None:
    """Put the weights of a file into a network that has exactly these names and shapes.

    Raises:
        InputError: the file cannot be read safely, or does not fit; the message lists names and shapes.
    """
    fill(network, read(path), str(path))


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weights file by name.

    A torch file may hold them directly or under `state_dict`, `model_state_dict` or `model`; the prefix
    `module.` that `DataParallel` adds is taken off.

    Raises:
        InputError: no such file, an unknown suffix, a broken file, or a pickle that holds more than tensors.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: found suffix `{path.suffix}`, weights end in one of {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise InputError(f"{path.absolute()}: no such weights file.")
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    if state and all(name.startswith("module.") for name in state):
        return {name.removeprefix("module."): value for name, value in state.items()}
    return state


def fill(network: Network, state: Mapping[str, Tensor], source: str, optional: Iterable[str] = ()) -> None:
    """Copy tensors into a network; names and shapes must agree, but for those that are `optional`.

    Raises:
        InputError: names or shapes differ, or a number is not finite; nothing was copied then.
    """
    own, free = network.state_dict(), set(optional)
    wrong = {n: v for n, v in state.items() if n in own and v.shape != own[n].shape and n not in free}
    missing, extra = [n for n in own if n not in state and n not in free], [n for n in state if n not in own]
    if wrong or missing or extra:
        shapes = [f"{n} {tuple(v.shape)} instead of {tuple(own[n].shape)}" for n, v in wrong.items()]
        lines = [
            _listed("wrong shape", shapes),
            _listed("missing", missing),
            _listed("unexpected", extra),
            _guess(missing, extra),
        ]
        raise InputError(f"{source}: the weights do not fit the network. " + " ".join(filter(None, lines)))
    broken = [n for n, v in state.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if broken:
        raise InputError(f"{source}: {_listed('not finite', broken)}")
    network.load_state_dict({n: v for n, v in state.items() if v.shape == own[n].shape}, strict=False)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from None


def _read_torch(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles of other tools: what is no weights is refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: refused, because reading it would run code that it contains ({reason}). "
            "Save the plain state dict as safetensors: safetensors.torch.save_file(model.state_dict(), path)."
        ) from None
    except Exception as error:  # a broken file makes torch raise anything
        raise InputError(f"{path}: not a torch weights file: {error}") from None
    for name in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise InputError(f"{path}: found {type(content).__name__}, expected a state dict: names and tensors.")
    return {str(name): value for name, value in content.items()}


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{what}: {', '.join(names[:SHOWN])}{more}." if names else ""


def _guess(missing: list[str], extra: list[str]) -> str:
    """The likeliest renaming, to point at a wrong prefix or a wrong architecture."""
    pairs = ((name, difflib.get_close_matches(name, extra, n=1, cutoff=0.5)) for name in missing[:SHOWN])
    close = [f"`{match[0]}` for `{name}`" for name, match in pairs if match]
    return f"Nearest: {', '.join(close)}." if close else ""
