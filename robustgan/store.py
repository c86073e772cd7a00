"""Stage folders by content: unchanged work is never redone, and a kill leaves nothing half-written.

A key covers settings, the keys of the inputs and the code that makes the result (as a syntax tree: comments and
docstrings do not count). A folder appears under its key by one rename. While it is being made it ends in `.partial`,
so that a training can go on from its checkpoint; a lease (lease.py) keeps two runs apart.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from robustgan import lease
from robustgan.parsed import Found, Memory

Build = Callable[[Path, lease.Tell], dict[str, Any]]
Tidy = Callable[[Path], None]

DONE = "run.json"  # what a folder is, how long it took and on what machine: the last file that is written

# Of this module classes alone count, each by itself with those that it is made from: which `except` catches an error
# may touch a result, the other errors and the functions, which word messages, cannot.
BY_CLASS = "robustgan.errors"

# Modules whose own code no result can depend on; what they import counts.
LEFT_OUT = {
    # Starts and ends the processes of a training, and with one process calls the step and does nothing else. A stage
    # that several processes share names it among its modules: then it says who they are, and it counts.
    "robustgan.launch",
    # Is only asked when something failed: whether that was memory, and what to say. Probes name it, as a probe that
    # fails is a fact. What is done then (batches.py) decides which images are classified together, and by that on the
    # last bits of their scores: it counts.
    "robustgan.memory",
}


def digest(value: object) -> str:
    """Short sha256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def cached(runs: Path, stage: str, key: str, build: Build, tidy: Tidy | None = None) -> Path:
    """Return the folder of a stage's result, building it when it is not there yet.

    `build` fills the folder that it is given, tells its progress to the second
    argument, and returns what `run.json` should say. With that file the folder is done, and a kill costs nothing
    any more: not before, `tidy` removes what is there to go on from (a checkpoint, answers that were paid for).
    """
    final = runs / stage / key
    while not final.exists():
        with lease.held(leased(runs, stage, key), final.exists) as mine:
            if mine is None or final.exists():  # another run made it while this one waited
                continue
            try:
                partial = begun(final, mine.token)
                if not (partial / DONE).exists():
                    record = build(partial, mine.tell)
                    beside = partial / f"{DONE}.tmp"
                    beside.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
                    beside.replace(partial / DONE)
                if tidy is not None:
                    tidy(partial)
                partial.rename(final)
            except Exception:
                if mine.mine():
                    raise  # else: this process hung, and the one that took over makes the folder
            else:
                forget_failure(runs, stage, key)
    return final


def begun(final: Path, token: str) -> Path:
    """The folder in which to build: as the run before left it, if that was done or has a checkpoint, and empty else.

    Its name is the holder's own. So one that hung, lost its lease and wakes up finds nothing to spoil.
    """
    partial = final.with_name(f"{final.name}.{token}.partial")
    for left in sorted(partials(final)):
        if not partial.exists() and any((left / name).exists() for name in (DONE, "checkpoint.pt")):
            left.rename(partial)
        else:
            shutil.rmtree(left)
    partial.mkdir(parents=True, exist_ok=True)
    return partial


def partials(final: Path) -> list[Path]:
    """Folders in which a stage is being made, or was when its run died."""
    return list(final.parent.glob(f"{final.name}*.partial"))


def leased(runs: Path, stage: str, key: str) -> Path:
    """The file that says who builds a stage."""
    return runs / ".leases" / f"{stage}-{key}.json"


# ----------------------------------------------------------------------------------------------------- failures


def failure(runs: Path, stage: str, key: str) -> dict[str, Any] | None:
    """Why a stage failed, where it did and the reason would come again; else None."""
    return lease.read(_failed(runs, stage, key)) or None


def record_failure(runs: Path, record: dict[str, Any]) -> None:
    """Write down that a stage failed, so that no later run tries again unasked."""
    path = _failed(runs, record["stage"], record["key"])
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{record['pid']}.tmp")
    beside.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    beside.replace(path)


def forget_failure(runs: Path, stage: str, key: str) -> None:
    """Let a stage that failed be tried again."""
    _failed(runs, stage, key).unlink(missing_ok=True)


def _failed(runs: Path, stage: str, key: str) -> Path:
    return runs / ".failed" / f"{stage}-{key}.json"


# ---------------------------------------------------------------------------------------------- digests of code


def code_digest(function: Callable[..., object], *modules: str) -> str:
    """Digest of the code behind a result: a function, those beside it that it calls, `modules`, all they import."""
    body, imported = _read_function(function.__module__, function.__name__)
    reached: dict[str, str] = {}
    queue = [*modules, *imported]
    while queue:
        name = queue.pop()
        if name not in reached:
            reached[name], more = _read(name)
            queue += more
    _memory().save()
    counted = [(name, found) for name, found in reached.items() if name in modules or name not in LEFT_OUT]
    return digest([body, sorted(counted)])


def _read(name: str) -> Found:
    """Digest and imports of what `_names` finds: a module, or a class of BY_CLASS."""
    module, _, part = name.rpartition(".")
    return _read_function(module, part) if module == BY_CLASS else _read_module(name)


@functools.cache
def _read_module(module: str) -> Found:
    """Digest of a module, and the robustgan modules that it imports."""

    def find() -> Found:
        tree = _tree(module)
        return digest(ast.unparse(_bare(tree))), _names(tree)

    found, names = _memory().ask(_file(module).read_bytes(), "", find)
    return found, tuple(filter(_counts, names))


@functools.cache
def _read_function(module: str, name: str) -> Found:
    """Digest and imports of a function with the functions and classes of its module that it reaches."""

    def find() -> Found:
        defined = {n.name: n for n in _tree(module).body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        reached: dict[str, ast.stmt] = {}
        queue = [name]
        while queue:
            at = queue.pop()
            if at in defined and at not in reached:
                reached[at] = defined[at]
                queue += [node.id for node in ast.walk(defined[at]) if isinstance(node, ast.Name)]
        tree = ast.Module([reached[at] for at in sorted(reached)], [])
        return digest(ast.unparse(_bare(tree))), _names(tree)

    found, names = _memory().ask(_file(module).read_bytes(), name, find)
    return found, tuple(filter(_counts, names))


@functools.cache
def _memory() -> Memory:
    """What was found in the files before, by this code and this Python."""
    here = Path(__file__)
    try:
        spare = Path.home() / ".cache" / "robustgan" / "digests.json"  # for a package that another user installed
    except RuntimeError:  # a user without a home
        spare = None
    return Memory(here.parent / "__pycache__" / "digests.json", sys.version.encode() + here.read_bytes(), spare)


def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text("utf-8"))


@functools.cache
def _file(module: str) -> Path:
    """The file of a module; robustgan's own are found without importing anything."""
    here = Path(__file__).parent.parent.joinpath(*module.split("."))
    for place in (here.with_suffix(".py"), here / "__init__.py"):
        if place.is_file():
            return place
    spec = None if module.startswith("robustgan.") else importlib.util.find_spec(module)  # a plug-in from outside
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return Path(spec.origin)


def _names(tree: ast.AST) -> tuple[str, ...]:
    """Names under robustgan that a piece of code imports, wherever the import stands: modules, and what is in them."""
    found = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module} - {BY_CLASS}
    return tuple(sorted(name for name in found if name.startswith("robustgan.")))


@functools.cache
def _counts(name: str) -> bool:
    """Whether a result can depend on what an import names: a module, or a class of BY_CLASS."""
    module, _, part = name.rpartition(".")
    if module == BY_CLASS:
        return any(isinstance(node, ast.ClassDef) and node.name == part for node in _tree(module).body)
    try:
        return _file(name).is_file()
    except ModuleNotFoundError:  # `from robustgan.tensors import Images`: Images is no module
        return False


def _bare(tree: ast.AST) -> ast.AST:
    """The tree without docstrings."""
    for node in (tree, *_statements(tree)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements inside a piece of code; expressions hold none and are not looked into, which saves most of it."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        block = getattr(node, name, ())
        for inner in block if isinstance(block, list) else ():  # the body of a lambda or of `a if b else c` is no list
            yield inner
            yield from _statements(inner)
