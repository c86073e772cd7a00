"""A program that torch.export saved (.pt2): gradients flow through it; reading one can run code.

torch.export.load takes pickles that run what they hold, where reading them safely fails, and evaluates expressions of
shapes that the file holds. So nothing is read unless `run_code` says so.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from robustgan.models._given import fingerprint, permit
from robustgan.models._supplied import Supplied
from robustgan.tensors import Network


class Exported(Supplied):
    """A .pt2 file; it takes the batches and sizes that it was exported for, and is in eval mode for good."""

    path: Path  # what torch.export.save wrote
    run_code: bool = False  # reading the file can run code that it contains: true for files that you trust

    @model_validator(mode="after")
    def permitted(self) -> Exported:
        """Refuse to read a file that could run code, unless that is wanted."""
        permit(self.run_code, f"reading {self.path} with torch.export.load can run code that the file contains")
        return self

    def fingerprint(self) -> str:
        """Digest of the file."""
        return fingerprint(self.path)

    def build(self) -> Network:
        """The program, with its weights.

        Raises:
            InputError: the file cannot be read.
        """
        from robustgan.models._program import read

        return self.adapted(read(self.path.expanduser(), self.fingerprint())).eval()
