"""Which device does the work."""

import torch

from robustgan.errors import MachineError


def choose(wanted: str) -> torch.device:
    """`auto`: a GPU where there is one, else the CPU.

    Raises:
        MachineError: `cuda` is asked for and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise MachineError("device: found `cuda`, but torch sees no GPU here. Set `device: auto` or `device: cpu`.")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def name(device: torch.device) -> str:
    """What a report calls the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
