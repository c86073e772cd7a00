"""The user's own torch module, from a function of theirs: `my_package.models:build`, or `my_model.py:build`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from robustgan.models._given import fingerprint, permit
from robustgan.models._supplied import Supplied
from robustgan.tensors import Network


class Function(Supplied):
    """Calls a function that returns a torch.nn.Module. The user's code runs, so it must be allowed by name."""

    function: Annotated[str, Field(pattern=r"^[^:]+:[A-Za-z_]\w*$")]  # module:function, or file.py:function
    arguments: dict[str, Any] = Field(default_factory=dict)  # what the function is called with
    weights: Path | None = None  # .safetensors, or a state dict in .pt or .pth, filled in after the call
    files: tuple[Path, ...] = ()  # files that the function reads itself: a run notices that they changed
    run_code: bool = False  # true: run the function, with all rights that you have

    @model_validator(mode="after")
    def permitted(self) -> Function:
        """Refuse to run the user's code unless that is wanted."""
        permit(self.run_code, f"{self.function} is code that would run with all rights that you have")
        return self

    def fingerprint(self) -> str:
        """Digest of the module's source, of the weights, and of `files`; not of what else the module imports.

        Raises:
            InputError: one of them cannot be found.
        """
        from robustgan.models._imported import source_of

        read = [source_of(self.function.partition(":")[0]), *filter(None, [self.weights]), *self.files]
        return hashlib.sha256("".join(fingerprint(path) for path in read).encode()).hexdigest()

    def build(self) -> Network:
        """What the function returns, with its weights.

        Raises:
            InputError: no such module or function; it fails, returns no module, or the weights do not fit it.
        """
        from robustgan import weights
        from robustgan.models._imported import call

        network: Network = call(self.function, self.arguments)
        if self.weights:
            weights.fill(network, weights.read(self.weights.expanduser()), f"{self.weights} ({self.function})")
        return self.adapted(network).eval()
