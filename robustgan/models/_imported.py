"""Find and call the user's own function."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from robustgan.errors import InputError, nearest


def source_of(module: str) -> Path:
    """The source file of a module, or the file itself where a path is given.

    Raises:
        InputError: there is none.
    """
    if module.endswith(".py"):
        return Path(module).expanduser()
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a parent that is not there
        spec = None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise InputError(
            f"function: no module `{module}` on Python's path. Install the package, put its folder on PYTHONPATH, "
            "or name the file: path/to/file.py:function."
        )
    return Path(spec.origin)


def call(function: str, arguments: Mapping[str, Any]) -> Any:
    """Import the module, call the function, return its torch module.

    Raises:
        InputError: it is not there, fails, or returns something else.
    """
    from torch import nn

    module, _, name = function.partition(":")
    made = _function(_module(module, function), name, module)
    try:
        network = made(**arguments)
    except Exception as error:
        raise InputError(f"{function}: failed: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{function}: returned a {type(network).__name__}, expected a torch.nn.Module.")
    return network


def _module(module: str, function: str) -> ModuleType:
    path = source_of(module)
    try:
        if not module.endswith(".py"):
            return importlib.import_module(module)
        spec = importlib.util.spec_from_file_location(f"robustgan_given_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    except Exception as error:
        raise InputError(f"{function}: importing {path} failed: {type(error).__name__}: {error}") from error
    return loaded


def _function(module: ModuleType, name: str, where: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if not callable(found):
        there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"function: {where} has no function `{name}`. {nearest(name, there)}")
    made: Callable[..., Any] = found
    return made
