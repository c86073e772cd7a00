"""What one config says: one file = one experiment, readable top to bottom, no inheritance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field, SerializeAsAny, model_validator

from robustgan.config import Number, Spec, plugin, read_yaml
from robustgan.errors import InputError
from robustgan.interfaces import AnyAttack, Bounded, Dataset, Forger, Linf, Model
from robustgan.team import Team

Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Pixels(Spec):
    """How every image reaches one size; the same rule for all of them, stated in the report."""

    size: Annotated[int, Field(ge=16, le=2048, multiple_of=16)] = 64  # side of the square, in pixels
    fit: Literal["crop", "pad", "stretch"] = "crop"  # crop: short side to size, centre; pad: long side to size, white


class Split(Spec):
    """Which patients train, validate and test (splits.py)."""

    protocol: str = "accession-cv5"
    folds: tuple[Count, ...] = (1,)  # more than one: test patients are pooled over folds
    validation: Share = 0.2  # share of the training patients that choose when to stop
    training: Annotated[Number, Field(ge=0, lt=1)] = 0.0  # for the protocol `audit`: share that generators learn from
    seed: int = 0
    leak: bool = False  # needed by protocols that put one patient on two sides: random-image, most of official-N

    @model_validator(mode="after")
    def shares(self) -> Split:
        """Refuse a share that would be ignored, or that leaves nobody to test."""
        if self.training and self.protocol != "audit":
            raise ValueError(f"training: only the protocol `audit` has this share, found {self.protocol}")
        if self.training + self.validation >= 1:
            raise ValueError(f"training {self.training:g} and validation {self.validation:g} leave nobody to test")
        return self


class Adversarial(Spec):
    """Adversarial training against Linf changes (hardening.py)."""

    eps: Annotated[Number, Field(gt=0, le=1)]  # on the [0, 1] scale
    steps: Count = 3  # gradient steps a batch; each costs about as much as the training step itself


class Training(Spec):
    """How a classifier is trained (training.py)."""

    epochs: Count = 12
    batch: Count = 64
    lr: Positive = 3e-3  # peak of the one-epoch warm-up and cosine schedule, AdamW
    weight_decay: Annotated[Number, Field(ge=0)] = 1e-2
    label_smoothing: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    stain: Annotated[Number, Field(ge=0, le=1)] = 0.03  # half-width of the random stain strength and shift (HED)
    patience: Count = 10  # epochs without a better validation score before stopping
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 on a GPU, fp32 elsewhere
    adversarial: Adversarial | None = None  # learn the worst neighbours of the images, not the images themselves


class OperatingPoint(Spec):
    """From which P(malignant) an image is called malignant: chosen on validation patients, frozen before the test."""

    rule: Literal["half", "youden", "sensitivity"] = "half"  # half: 0.5; youden: most sensitivity + specificity
    sensitivity: Share = 0.95  # for the rule `sensitivity`: at least this, with as much specificity as it leaves


class Strength(Spec):
    """How the evidence is gathered that the attacks are strong (probing/, strength/)."""

    images: Annotated[int, Field(ge=20)] = 128  # test images of a fold, spread over classes and patients
    threat: Bounded = Linf(eps=8 / 255)  # the budget whose verdict the checks are about


class Victim(Spec):
    """A classifier and how it gets its weights."""

    name: str
    model: SerializeAsAny[Model]
    training: Training = Training()


class Experiment(Spec):
    """One config."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    title: str = ""
    seed: int = 0
    seeds: tuple[int, ...] = (0,)  # every attack runs once for each
    device: Literal["auto", "cpu", "cuda"] = "auto"
    processes: Count = 1  # that share each training (a GPU each, or cores); results agree within noise, not in bytes
    batch: Count = 128  # most images an attack gets at once, fewer where memory is short; no verdict depends on it
    attack_precision: Literal["fp32", "bf16"] = "fp32"  # of attacks' gradients; what falls is always seen in fp32
    attack_compile: bool = False  # compile classifiers for attacks on a GPU (torch.compile); a minute or more each
    dataset: SerializeAsAny[Dataset]
    pixels: Pixels = Pixels()
    split: Split = Split()
    models: tuple[Victim, ...] = Field(min_length=1)
    oracles: tuple[Victim, ...] = ()  # judge generated images; never the victims; other seeds and patients
    attacks: tuple[SerializeAsAny[AnyAttack], ...] = Field(min_length=1)
    operating: OperatingPoint = OperatingPoint()
    strength: Strength | None = None  # gather evidence that the attacks are strong; without it nothing is called robust
    policy: str = ""  # decides the verdict: a name that comes with robustgan, or a file; empty: there is no verdict
    transfer: bool = False  # images made to fool one model are also shown to all other `models`
    gallery: Annotated[int, Field(ge=0, le=8)] = 1  # images a class and magnification in the report's gallery

    def settings(self) -> dict[str, Any]:
        """The whole experiment as plain values; `experiment(settings)` is the way back."""
        victims = {
            key: [{**v.model_dump(mode="json"), "model": v.model.settings()} for v in getattr(self, key)]
            for key in ("models", "oracles")
        }
        plain = self.model_dump(mode="json", exclude={"dataset", "attacks", *victims})
        return {**plain, "dataset": self.dataset.settings(), **victims, "attacks": [a.settings() for a in self.attacks]}


def experiment(settings: Mapping[str, Any]) -> Experiment:
    """Check the settings of a config and build the experiment.

    Raises:
        InputError: names every key that is wrong, what was found and what is allowed.
    """
    built = dict(settings)
    if "dataset" in built:
        built["dataset"] = plugin("datasets", built["dataset"], "dataset")
    for key in ("models", "oracles"):
        if key in built:
            built[key] = [_victim(v, f"{key}.{i}") for i, v in enumerate(_listed(built[key], key))]
    if "attacks" in built:
        built["attacks"] = list(_attacks(_listed(built["attacks"], "attacks")))
    made = Experiment.read(built)
    _distinct("models and oracles", [v.name for v in (*made.models, *made.oracles)])
    _distinct("attacks (set `name` to tell them apart)", [f"{a.label} {a.threat}" for a in made.attacks])
    _someone_to_learn_from(made)
    _evenly_shared(made)
    if not made.oracles and not all(a.paired for a in made.attacks):
        raise InputError(
            "oracles: generated images are judged by oracle classifiers; give at least one under `oracles`."
        )
    for attack in made.attacks:
        if isinstance(attack, Forger):
            attack.seat(len(made.oracles))
    return made


def _someone_to_learn_from(plan: Experiment) -> None:
    """Refuse trainings in a split that has no patients for them."""
    if plan.split.protocol != "audit":
        return
    learners = [f"model {v.name}" for v in (*plan.models, *plan.oracles) if v.model.trains]
    if not plan.split.training:
        learners += [f"attack {attack.label}" for attack in plan.attacks if attack.trains]
    if learners:
        raise InputError(
            f"split.protocol: audit, and {', '.join(learners)} would have to be trained. An audit trains no model; "
            "for attacks that train, set `split.training` to the share of patients that they learn from."
        )


def _evenly_shared(plan: Experiment) -> None:
    """Refuse trainings that `processes` cannot share."""
    team = Team(size=plan.processes)
    for victim in (*plan.models, *plan.oracles):
        if victim.model.trains:
            team.check(victim.training.batch, f"{victim.name}: training.batch")
    for attack in plan.attacks:
        attack.share(team)


def read_experiment(path: Path) -> Experiment:
    """Read a config file."""
    return experiment(read_yaml(path))


def _victim(settings: object, where: str) -> object:
    if not isinstance(settings, Mapping) or "model" not in settings:
        raise InputError(f"{where}: found {settings!r:.80}, expected a mapping with `name`, `model` and `training`.")
    return {**settings, "model": plugin("models", settings["model"], f"{where}.model")}


def _attacks(entries: list[Any]) -> Iterator[AnyAttack]:
    """One attack an entry and eps: `threat: {norm: linf, eps: [2/255, 8/255]}` stands for two."""
    for i, entry in enumerate(entries):
        threat = entry.get("threat") if isinstance(entry, Mapping) else None
        listed = isinstance(threat, Mapping) and isinstance(threat.get("eps"), list)
        for eps in threat["eps"] if listed else [None]:  # type: ignore[index]
            one = {**entry, "threat": {**threat, "eps": eps}} if listed else entry  # type: ignore[dict-item]
            yield cast(AnyAttack, plugin("attacks", one, f"attacks.{i}"))


def _listed(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{where}: found {value!r:.80}, expected a list.")
    return value


def _distinct(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{what}: each needs a name of its own, found twice: {', '.join(twice)}.")
