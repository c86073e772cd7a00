"""Types of arrays with their shapes: jaxtyping's where it is at work, as in the tests, which check every call by them.

Elsewhere nothing reads them, and importing jaxtyping would take a fifth of the time that a plan takes. `Array` is
NumPy's, for names of types: those are made when a module is imported, and nobody needs NumPy for that.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool as Bool
    from jaxtyping import Float as Float
    from jaxtyping import Int as Int
    from jaxtyping import UInt8 as UInt8
    from numpy import ndarray

    Array = ndarray
else:

    class Unchecked:
        """Stands for an array of any shape."""

        def __class_getitem__(cls, _: object) -> Any:
            """Any array, whatever its shape."""
            return Any

    Bool = Float = Int = UInt8 = Unchecked
    Array = Any
