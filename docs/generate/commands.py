"""The command line: every command, its arguments and its options, as `--help` has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from generate.markdown import code, table
from robustgan.cli import app


def every_command() -> str:
    """A section a command."""
    return "\n\n".join(_section(name, command) for name, command in walk(typer.main.get_command(app), "robustgan"))


def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, below this one, with its full name."""
    for word, part in getattr(command, "commands", {}).items():
        full = f"{name} {word}"
        yield from walk(part, full) if hasattr(part, "commands") else [(full, part)]


def _section(name: str, command: Any) -> str:
    shown = [p for p in command.params if p.name != "help"]
    rows = [(_spelling(p), _words(getattr(p, "help", "") or ""), _default(p)) for p in shown]
    example = f"\n\n{command.epilog}" if command.epilog else ""
    head = f"## {name}\n\n{_words(command.help or '')}{example}\n\n"
    return head + (table(("argument or option", "meaning", "default"), rows) if rows else "No options.")


def _spelling(parameter: Any) -> str:
    shown = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar or parameter.name.upper()]
    return code(", ".join(shown)) + (" (required)" if parameter.required else "")


def _default(parameter: Any) -> str:
    value = parameter.default
    return "" if parameter.required or value in (None, False, ()) or callable(value) else code(value)


def _words(text: str) -> str:
    return " ".join(text.split())
