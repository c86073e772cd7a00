"""What a result came from: versions, machine, digests, durations."""

from __future__ import annotations

import json
import platform
import resource
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from robustgan.seal import digests

PACKAGES = (
    "robustgan", "torch", "torchvision", "timm", "adversarial-robustness-toolbox", "numpy", "pandas", "pyarrow",
    "scipy", "scikit-learn", "matplotlib", "seaborn", "pillow",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that touch a number; `not installed` where one is missing."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def machine() -> dict[str, Any]:
    """Versions, operating system and device of this process."""
    return {"versions": versions(), "system": platform.platform(), "device": device()}


def device() -> str:
    """The device that torch works on in this process; the processor where torch was not needed."""
    if "torch" not in sys.modules:
        return f"CPU ({platform.machine()})"
    from robustgan import device as devices

    return devices.name(devices.choose("auto"))


def peak_memory() -> int:
    """Most memory that this process has held so far, in MiB."""
    try:  # Linux: `getrusage` there counts what the parent held when it started this process
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) // 2**10
    except (OSError, IndexError):
        unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KiB elsewhere
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


def portable(command: str) -> str:
    """A command without its --out: a report must be the same bytes wherever it is written."""
    words = shlex.split(command)
    if "--out" in words:
        place = words.index("--out")
        del words[place : place + 2]
    return shlex.join(words)


def write(path: Path, folders: list[Path], config: dict[str, Any], command: str) -> None:
    """Write `run.json` of a report.

    Command and config, then each stage's key, versions, device and duration, then file digests.
    """
    records = [json.loads((folder / "run.json").read_text("utf-8")) for folder in folders]
    kept = ("stage", "name", "key", "inputs", "device", "seconds", "peak_mib")
    stages = [{key: record[key] for key in kept} for record in records]
    content = {
        "command": command,
        "config": config,
        "versions": records[-1]["versions"],
        "system": records[-1]["system"],
        "seconds": round(sum(stage["seconds"] for stage in stages), 3),
        "stages": stages,
        "files": digests(path.parent),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
