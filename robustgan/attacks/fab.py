"""FAB: the shortest way across the boundary, and whether it is within the budget.

Source: Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack"
(https://arxiv.org/abs/1907.02044).
"""

from robustgan.attacks._walking import Walking
from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network


class FAB(Walking, Attack):
    """Walks along the boundary of the nearest classes. What it finds outside the budget does not count."""

    access = "white-box"

    threat: Bounded

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return a point inside the budget that fools where one was found, else the nearest one, brought inside.

        Raises:
            RunError: the classifier's outputs or gradients are not finite, or it gives no gradients.
        """
        from robustgan.attacks._siege import besieged, perturbed

        return perturbed(besieged(model, x, y, self.threat, state), self.attempts(classes=2)).x_adv
