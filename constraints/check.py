"""Prove that the environment holds exactly the versions of a constraints file, so that `lowest` really is lowest."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def main(path: Path) -> int:
    """Print every package whose version differs from its pin; return the exit code."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    wrong, checked = [], 0
    for name, _, pin in (line.partition("==") for line in lines if line):
        try:
            found = version(name)
        except PackageNotFoundError:
            continue  # pinned for another platform, or for a tool that this environment does not hold
        checked += 1
        if found.partition("+")[0] != pin.partition("+")[0]:
            wrong.append(f"{name}: found {found}, pinned {pin}")
    print("\n".join(wrong) or f"{checked} packages are at their lowest versions")
    return bool(wrong) or checked == 0


sys.exit(main(Path(sys.argv[1])))
