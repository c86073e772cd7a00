"""Stage folders by content: unchanged work is never redone, and a kill leaves nothing half-written.

A key covers settings, the keys of the inputs and the code that makes the result (as a syntax tree: comments and
docstrings do not count). A folder appears under its key by one rename. While it is being made it is `<key>.partial`,
so that a training can go on from its checkpoint; a lock that the system drops when a process dies keeps two runs apart.
"""

from __future__ import annotations

import ast
import fcntl
import functools
import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def digest(value: object) -> str:
    """Short sha256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def cached(runs: Path, stage: str, key: str, build: Callable[[Path], dict[str, Any]]) -> Path:
    """Return the folder of a stage's result, building it when it is not there yet.

    `build` fills the folder that it is given and returns what `run.json` should say.
    """
    final, partial = runs / stage / key, runs / stage / f"{key}.partial"
    if final.exists():
        return final
    with locked(runs / ".locks" / f"{stage}-{key}"):
        if final.exists():  # another run made it while this one waited
            return final
        if partial.exists() and not (partial / "checkpoint.pt").exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True, exist_ok=True)
        record = build(partial)
        (partial / "run.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
        partial.rename(final)
    return final


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file; the system releases it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ---------------------------------------------------------------------------------------------- digests of code


def code_digest(function: Callable[..., object], *modules: str) -> str:
    """Digest of the code behind a result: a function, those beside it that it calls, `modules`, all they import."""
    body, imported = _read_function(function.__module__, function.__name__)
    reached: dict[str, str] = {}
    queue = [*modules, *imported]
    while queue:
        name = queue.pop()
        if name not in reached:
            reached[name], more = _read_module(name)
            queue += more
    return digest([body, sorted(reached.items())])


@functools.cache
def _read_module(module: str) -> tuple[str, tuple[str, ...]]:
    """Digest of a module, and the robustgan modules that it imports."""
    tree = _tree(module)
    return digest(ast.unparse(_bare(tree))), _imports(tree)


@functools.cache
def _read_function(module: str, name: str) -> tuple[str, tuple[str, ...]]:
    """Digest and imports of a function with the functions and classes of its module that it reaches."""
    defined = {n.name: n for n in _tree(module).body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    reached: dict[str, ast.stmt] = {}
    queue = [name]
    while queue:
        at = queue.pop()
        if at in defined and at not in reached:
            reached[at] = defined[at]
            queue += [node.id for node in ast.walk(defined[at]) if isinstance(node, ast.Name)]
    tree = ast.Module([reached[at] for at in sorted(reached)], [])
    return digest(ast.unparse(_bare(tree))), _imports(tree)


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


def _imports(tree: ast.AST) -> tuple[str, ...]:
    """Names of the robustgan modules that a piece of code imports, wherever the import stands."""
    found = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return tuple(sorted(name for name in found if name.startswith("robustgan.") and _is_module(name)))


def _is_module(name: str) -> bool:
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
