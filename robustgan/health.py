"""What this machine has, and whether robustgan can work here."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import Any

from robustgan import provenance

LEAST_DISK = 2  # GiB that a small run may need


def examine(folder: Path) -> dict[str, Any]:
    """Facts in a fixed order, then `problems`: an empty list, or what stands in the way."""
    facts: dict[str, Any] = {"system": platform.platform(), "processors": os.cpu_count(), **provenance.versions()}
    problems = [f"{name} is not installed" for name, text in facts.items() if text == "not installed"]
    try:
        import torch

        from robustgan import device

        facts["device"] = device.name(device.choose("auto"))
        facts["cuda"] = str(torch.version.cuda) if torch.cuda.is_available() else "no GPU"
    except ImportError as error:
        problems.append(f"torch cannot be imported: {error}")
    free = shutil.disk_usage(folder).free / 2**30
    facts["free disk here"] = f"{free:.1f} GiB"
    if free < LEAST_DISK:
        problems.append(f"{free:.1f} GiB free in {folder}, a run may need {LEAST_DISK}")
    if not os.access(folder, os.W_OK):
        problems.append(f"{folder} is not writable")
    return {**facts, "problems": problems}
