"""The same bytes from the same settings: on the CPU, no sum may depend on which threads there are or were first.

Without it, two runs of a DCGAN on two threads part within a few steps, as the gradient of its augmentation is a
scattered sum; and trainings on one and on two threads end with other weights. On a GPU float32 is float32: with the 10
bits that convolutions keep by default (TF32), verdicts near the boundary would depend on how many images are computed
at once.
"""

import torch

from robustgan import device


def enforce(wanted: str, threads: int) -> None:
    """Make torch use so many threads in this process, no TF32, and deterministic algorithms if the device is the CPU.

    Raises:
        MachineError: the device is not there.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(device.choose(wanted).type == "cpu")
    torch.backends.cudnn.allow_tf32 = False
