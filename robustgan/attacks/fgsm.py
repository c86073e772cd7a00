"""Fast gradient sign method: one step of the length of the budget along the gradient.

Source: Goodfellow, Shlens, Szegedy 2015, "Explaining and harnessing adversarial examples", section 4
(https://arxiv.org/abs/1412.6572); the L2 step is their argument with the Euclidean norm.
"""

from robustgan.attacks._margin import slope
from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network


class FGSM(Attack):
    """The move that would raise the wrong class most if the classifier were linear."""

    access = "white-box"

    threat: Bounded

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Take the one step."""
        _, gradient = slope(model, x, y)
        return x + self.threat.ascend(gradient, self.threat.eps)
