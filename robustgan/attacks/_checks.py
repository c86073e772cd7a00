"""What a sceptic asks of a trained generator, measured once after the training: `checks.json`."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from robustgan.attacks._change import bounded, made, noisy
from robustgan.attacks._queries import Asked
from robustgan.attacks._rival import Rival
from robustgan.attacks._validation import BATCH, Known, evenly, picked, recognised, verdicts
from robustgan.attacks.advgan import AdvGAN
from robustgan.interfaces import Linf, Samples
from robustgan.quantise import to_float
from robustgan.tensors import POSITIVE, Images, Labels, Network, Tensor

FULL = 0.95  # share of eps from which a change counts as saturated
DIGITS = 6
LABELS = {"any": (0, 1), "hide": (POSITIVE,), "invent": (1 - POSITIVE,)}


def write(folder: Path, recipe: AdvGAN, rival: Rival, network: Network, train: Samples, val: Samples) -> None:
    """Measure and write `checks.json`.

    Under `validation` and `training` (at most as many training images as there are validation images, evenly
    spaced) stand three directions, named as the setting `goal`: `any` (all images), `hide` (malignant images) and
    `invent` (benign images). Each counts the images that the classifier gets right, and says:

    - `images`: how many there are. The numbers below are null where there are none.
    - `success`: share that is wrong after the attack, judged as the harness judges.
    - `noise_success`: the same for random noise of full size, the control.
    - `saturated`: share of the numbers of the change that are at least 95 % of eps in size, before the image is
      cut to [0, 1] and rounded. 1: the sign of every number is all that was learned. Null under L2.
    - `cosine`: mean cosine of the changes of two different images, over all pairs. 1: all images get one change.
      Null with fewer than two images.

    `surrogates` is null where none learned the classifier's answers. Otherwise, among the images of `any`: `fooled`,
    the share that the surrogates get wrong after the attack, and `agree`, the share of which they then say what the
    classifier says. No answers are asked for it.

    `one_sidedness` is success of `hide` minus success of `invent`: near 1 or -1 the generator turns one class only.
    Null where one of them is.

    `judge` is `classifier`; with `knowledge: transfer` it is `surrogates`: then all numbers are about the images that
    they get right and what fools them, for the classifier may not be asked.

    `queries` is null where the attack sees the classifier's weights, and where it asks nothing. Otherwise: `budget`,
    the images that the attack was allowed to ask about; `used`, those that it asked about, to learn and to choose the
    epoch; `measuring`, those that the numbers of this file took, which the attack did not need; `again`, how many of
    both were asked about once more, because the run was killed and their answers were of no use afterwards.
    """
    model, asked = rival.victim, rival.victim if isinstance(rival.victim, Asked) else None
    with asked.measuring() if asked else nullcontext():
        content: dict[str, Any] = {
            side: measured(recipe, model, network, recognised(model, some), rival.stand_in)
            for side, some in (("validation", val), ("training", picked(train, evenly(len(train), len(val)))))
        }
    content["judge"] = "surrogates" if recipe.knowledge == "transfer" else "classifier"
    content["queries"] = counts(asked) if asked else None
    (folder / "checks.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def counts(asked: Asked) -> dict[str, int]:
    """How many images the classifier was asked about."""
    return {"budget": asked.budget, "used": asked.used, "measuring": asked.measured, "again": asked.again}


def measured(
    recipe: AdvGAN, model: Network, network: Network, known: Known, stand_in: Network | None = None
) -> dict[str, Any]:
    """The numbers of one side of the split."""
    threat = recipe.threat

    def changed(x: Images, y: Labels, ids: list[str]) -> Images:
        return made(network, x, y, threat)

    wrong, _ = verdicts(model, changed, known, threat)
    noise, _ = verdicts(model, lambda x, y, ids: noisy(x, ids, threat), known, threat)
    found: dict[str, Any] = {}
    for goal, labels in LABELS.items():
        mine = torch.isin(known.labels, torch.tensor(labels, device=known.labels.device))
        shares = {"success": share(wrong[mine]), "noise_success": share(noise[mine])}
        found[goal] = {"images": int(mine.sum()), **shares, **shape(recipe, network, known, mine)}
    hide, invent = found["hide"]["success"], found["invent"]["success"]
    found["one_sidedness"] = None if hide is None or invent is None else round(hide - invent, DIGITS)
    found["surrogates"] = None
    if stand_in is not None:
        theirs, _ = verdicts(stand_in, changed, known, threat)
        found["surrogates"] = {"fooled": share(theirs), "agree": share(theirs == wrong)}
    return found


def share(flags: Tensor) -> float | None:
    """Share of flags that are set; None where there are no flags."""
    return round(float(flags.double().mean()), DIGITS) if len(flags) else None


@torch.no_grad()
def shape(recipe: AdvGAN, network: Network, known: Known, mine: Tensor) -> dict[str, float | None]:
    """Saturation of the changes of the chosen images, and how alike the changes are."""
    images, labels, count = known.images[mine], known.labels[mine], int(mine.sum())
    full, units = 0, torch.zeros(known.images[0].numel() if len(known.ids) else 0, dtype=torch.float64)
    own = 0.0  # the pairs of an image with itself
    for start in range(0, count, BATCH):
        x = to_float(images[start : start + BATCH])
        delta = bounded(network(x, labels[start : start + BATCH]).float(), recipe.threat).flatten(1).double()
        full += int((delta.abs() >= FULL * recipe.threat.eps).sum())
        unit = delta / delta.norm(dim=1, keepdim=True).clamp_min(1e-300)
        units, own = units + unit.sum(0).cpu(), own + float(unit.square().sum())
    numbers = count * len(units)
    pairs = count * (count - 1)
    return {
        "saturated": round(full / numbers, DIGITS) if isinstance(recipe.threat, Linf) and numbers else None,
        "cosine": round((float(units.square().sum()) - own) / pairs, DIGITS) if pairs else None,
    }
