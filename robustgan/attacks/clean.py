"""Nothing is changed: the clean row, made by the code that makes every other row."""

from robustgan.interfaces import Attack, State, Unrestricted
from robustgan.tensors import Images, Labels, Network


class Clean(Attack):
    """Returns the images as they are, so that every drop is a join of two rows of one table."""

    access = "none"

    threat: Unrestricted = Unrestricted()

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """The images themselves."""
        return x
