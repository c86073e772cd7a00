"""An ONNX file, run by onnxruntime: it answers questions and has no gradients, so only black boxes can attack it.

Needs `pip install 'robustgan[onnx]'`. Reading the file runs no code of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from robustgan.models._given import fingerprint
from robustgan.models._supplied import Supplied
from robustgan.tensors import Network


class Onnx(Supplied):
    """A classifier behind a wall: images in, outputs out."""

    gradients: ClassVar[bool] = False

    path: Path  # one file that holds its weights
    output: str = ""  # which output to use, where the file has several

    def fingerprint(self) -> str:
        """Digest of the file."""
        return fingerprint(self.path)

    def build(self) -> Network:
        """A module around the session.

        Raises:
            InputError: onnxruntime is not installed, or cannot run the file.
        """
        from robustgan.models._session import Session

        return self.adapted(Session(self.path.expanduser(), self.output)).eval()
