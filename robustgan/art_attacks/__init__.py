"""AdvGAN and DCGAN for users of the Adversarial Robustness Toolbox (ART), as its `EvasionAttack`.

`x` is NCHW in [0, 1], `y` one-hot or indices, `model` gives two logits:

    from art.estimators.classification import PyTorchClassifier
    from robustgan.art_attacks import AdvGANAttack, DCGANAttack

    classifier = PyTorchClassifier(model, loss, (3, 64, 64), 2, clip_values=(0, 1))
    attack = AdvGANAttack(classifier, eps=8 / 255)
    attack.fit(x_train, y_train)
    x_adv = attack.generate(x_test, y_test)  # within eps of x_test

    forger = DCGANAttack(classifier, oracles=[other_classifier])
    forger.fit(x_train, y_train)
    x_new = forger.generate(x_test, y_test)  # from scratch: x_new[i] is made as an image of class y_test[i]
"""

from robustgan.art_attacks.advgan import AdvGANAttack
from robustgan.art_attacks.dcgan import DCGANAttack

__all__ = ["AdvGANAttack", "DCGANAttack"]
