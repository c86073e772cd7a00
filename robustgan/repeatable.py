"""The same bytes from the same settings: on the CPU, no sum may depend on which threads there are or were first.

Without it, two runs of a DCGAN on two threads part within a few steps, as the gradient of its augmentation is a
scattered sum; and trainings on one and on two threads end with other weights. A GPU is left as it is.
"""

import torch

from robustgan import device


def enforce(wanted: str, threads: int) -> None:
    """Make torch use so many threads in this process, and deterministic algorithms where the device is the CPU.

    Raises:
        MachineError: the device is not there.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(device.choose(wanted).type == "cpu")
