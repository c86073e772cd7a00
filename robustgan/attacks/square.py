"""Square attack: random squares, kept where the answers say that they help. No gradients, so nothing can mask them.

Source: Andriushchenko, Croce, Flammarion, Hein 2020, "Square attack: a query-efficient black-box adversarial attack
via random search" (https://arxiv.org/abs/1912.00049).
"""

from robustgan.attacks._searching import Searching
from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network


class Square(Searching, Attack):
    """Asks for the outputs of one changed image after the other, until one fools or no query is left.

    It needs no gradients: the attack for classifiers that only answer.
    """

    access = "query"

    threat: Bounded

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return the image that fools where one was found, else the one with the highest margin.

        Raises:
            RunError: the classifier's outputs are not finite.
        """
        from robustgan.attacks._siege import besieged, perturbed

        return perturbed(besieged(model, x, y, self.threat, state), self.attempts(classes=2)).x_adv
