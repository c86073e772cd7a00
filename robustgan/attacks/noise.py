"""Random noise of full size within the budget: the control that every real attack has to beat."""

from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network


class Noise(Attack):
    """Linf: plus or minus eps on every channel; L2: a Gaussian direction, eps long. The control.

    A classifier that falls to this needs no adversary; an attack that is no better is not shown to work.
    """

    access = "none"

    threat: Bounded

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Add noise that belongs to each image: it depends on the image's seed alone."""
        from robustgan.draws import normal

        direction = normal(state.seeds, x.shape[1:], x.device)
        return x + self.threat.ascend(direction, self.threat.eps)
