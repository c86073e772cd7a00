"""The same bytes from the same settings: on the CPU, no sum may depend on which thread was first.

Without it, two runs of a DCGAN on two threads part within a few steps, as the gradient of its augmentation is a
scattered sum. On a GPU float32 is float32: with the 10 bits that convolutions keep by default (TF32), verdicts near the
boundary would depend on how many images are computed at once.
"""

import torch

from robustgan import device


def enforce(wanted: str) -> None:
    """Make torch use deterministic algorithms in this process where the device that is wanted is the CPU; no TF32.

    Raises:
        InputError: the device is not there.
    """
    torch.use_deterministic_algorithms(device.choose(wanted).type == "cpu")
    torch.backends.cudnn.allow_tf32 = False
