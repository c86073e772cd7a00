"""The same bytes from the same settings: on the CPU, no sum may depend on which thread was first.

Without it, two runs of a DCGAN on two threads part within a few steps, as the gradient of its augmentation is a
scattered sum. A GPU is left as it is.
"""

import torch

from robustgan import device


def enforce(wanted: str) -> None:
    """Make torch use deterministic algorithms in this process where the device that is wanted is the CPU.

    Raises:
        MachineError: the device is not there.
    """
    torch.use_deterministic_algorithms(device.choose(wanted).type == "cpu")
