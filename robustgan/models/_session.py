"""An ONNX session as a module without gradients."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from robustgan.errors import InputError, nearest
from robustgan.models._sealed import Sealed, check_size, in_batches
from robustgan.tensors import Images, Tensor


class Session(Sealed):
    """Runs an ONNX file on the CPU; outputs come back on the images' device."""

    def __init__(self, path: Path, output: str) -> None:
        content = path.read_bytes()
        super().__init__(hashlib.sha256(content).hexdigest())
        self.name, self.session = str(path), session_of(content, path)
        inputs, outputs = self.session.get_inputs(), [one.name for one in self.session.get_outputs()]
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{one.name}: {one.type}" for one in inputs)
            raise InputError(f"{path}: found the inputs {found}; expected is one tensor(float) of images.")
        if (output and output not in outputs) or (not output and len(outputs) > 1):
            raise InputError(f"{path}: output: found `{output}`. {nearest(output, outputs)}")
        self.input, self.output = inputs[0].name, output or outputs[0]
        self.shape = tuple(side if isinstance(side, int) else None for side in inputs[0].shape)

    def forward(self, x: Images) -> Any:
        """What the session gives, without gradients."""
        check_size(self.shape, x, self.name)
        return in_batches(self.ask, x.detach(), self.shape[0]).to(x.device)

    def ask(self, x: Tensor) -> Tensor:
        """One batch through the session."""
        found = self.session.run([self.output], {self.input: x.float().contiguous().cpu().numpy()})[0]
        return torch.from_numpy(found)


def session_of(content: bytes, path: Path) -> Any:
    """A session on the CPU, as many threads as torch has; read from memory, so that the digest covers all of it.

    Raises:
        InputError: onnxruntime is not there, or refuses the file.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError("onnx: onnxruntime is not installed. Install it: pip install 'robustgan[onnx]'.") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no class
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: onnxruntime {onnxruntime.__version__} cannot run it ({reason:.200}). It must be one ONNX file "
            "that holds its weights: export with external_data=False."
        ) from None
