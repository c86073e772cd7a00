"""What the gradient attacks climb: the margin of the wrong class over the right one."""

from robustgan.errors import RunError
from robustgan.tensors import Images, Labels, Logits, Network, Scores, Tensor


def margin(logits: Logits, y: Labels) -> Scores:
    """Logit of the wrong class minus logit of the right one; above 0 the image fools the model.

    With two classes cross-entropy is softplus(margin): both rise in the same direction. But the gradient of
    cross-entropy is 0 in floating point where the model is sure, and this one is not.

    Source: Carlini and Wagner 2017, "Towards evaluating the robustness of neural networks", section V-A, f6.
    """
    return (logits[:, 1] - logits[:, 0]) * (1 - 2 * y)


def slope(model: Network, x: Images, y: Labels) -> tuple[Scores, Tensor]:
    """The margin of each image and its gradient in that image: one forward and one backward pass.

    Raises:
        RunError: a gradient is not finite. The sign of NaN is 0: the attack would stand still, and seem weak.
    """
    import torch

    value, gradient = raw_slope(model, x, y)
    if not torch.isfinite(gradient.sum()):
        raise RunError("the gradients of the classifier are not finite.")
    return value, gradient


def raw_slope(model: Network, x: Images, y: Labels) -> tuple[Scores, Tensor]:
    """The same, whatever the numbers are: nothing here waits for a GPU.

    The gradient of an image depends on that image alone: margins are added up, not averaged.
    """
    import torch

    x = x.detach().requires_grad_()
    with torch.enable_grad():
        value = margin(model(x), y)
        (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient
