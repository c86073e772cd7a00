"""The comment beside a setting in the code says what it means; here it is read."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize

from pydantic import BaseModel


def beside(cls: type[BaseModel]) -> dict[str, str]:
    """What the comments of a class and of those it inherits from say about each setting."""
    said: dict[str, str] = {}
    for parent in reversed(cls.__mro__):
        if issubclass(parent, BaseModel) and parent.__module__.partition(".")[0] != "pydantic":
            said |= _of(textwrap.dedent(inspect.getsource(parent)))
    return said


def _of(source: str) -> dict[str, str]:
    """Settings of the class in `source` with the comment on their line, or on the lines just above."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = {t.start[0]: (t.string.removeprefix("#").strip(), t.line) for t in tokens if t.type == tokenize.COMMENT}
    said = {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]  # the one statement is the class
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            own = found.get(node.end_lineno or 0, ("", ""))[0]
            said[node.target.id] = own.partition("noqa:")[0] if own else _above(found, node.lineno)
    return said


def _above(found: dict[int, tuple[str, str]], line: int) -> str:
    """The block of whole-line comments that ends just above a line."""
    block: list[str] = []
    while (line := line - 1) in found and found[line][1].lstrip().startswith("#"):
        block.insert(0, found[line][0])
    return " ".join(block)
