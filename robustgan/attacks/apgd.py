"""Auto-PGD: projected gradient descent that finds its step lengths itself, image by image.

Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks" (https://arxiv.org/abs/2003.01690).
"""

from robustgan.attacks._climbing import Climbing
from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network


class APGD(Climbing, Attack):
    """Climbs until the 8-bit image fools; the best point where none does."""

    access = "white-box"

    threat: Bounded

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return a point that fools where one was visited, else the one with the highest loss.

        Raises:
            RunError: the classifier's outputs or gradients are not finite, or it gives no gradients.
        """
        from robustgan.attacks._siege import besieged, perturbed

        return perturbed(besieged(model, x, y, self.threat, state), self.attempts(classes=2)).x_adv
