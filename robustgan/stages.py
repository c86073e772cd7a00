"""What a config asks for: every stage, with all that its result depends on, in an order in which they can run.

Nothing here imports torch, and nothing is done: a plan only looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from robustgan import steps
from robustgan.config import module_of
from robustgan.errors import InputError
from robustgan.experiment import Experiment, Victim
from robustgan.interfaces import AnyAttack
from robustgan.shipped import policy_path
from robustgan.stage import Place, Stage
from robustgan.store import digest

PROBING = ("fgsm", "noise", "pgd", "square")  # attacks that probing/plan.py names
READ = ("robustgan.memory",)  # decides whether a failed probe was one, which is a fact (`store.LEFT_OUT`)


def stages(plan: Experiment, place: Place) -> list[Stage]:
    """Every stage but the report, in an order in which they can run.

    Raises:
        InputError: an attack makes images of another size than the classifiers get; the data set is not there; there
            is no such policy.
    """
    policy_of(plan)
    for attack in plan.attacks:
        size = getattr(attack, "size", plan.pixels.size)
        if size != plan.pixels.size:
            raise InputError(f"{attack.label}.size: found {size}, allowed is pixels.size, {plan.pixels.size}.")
    common = {"device": plan.device}
    dataset = {"dataset": plan.dataset.settings()}
    source = module_of("datasets", plan.dataset.kind)
    listed = Stage(
        steps.manifest, "list images", {**dataset, "bytes": place.fingerprint(plan.dataset)}, modules=(source,)
    )
    decode = {**dataset, "pixels": plan.pixels.model_dump(mode="json")}
    decoded = Stage(steps.pixels, "decode images", decode, {"manifest": listed}, (source,))
    found = [listed, decoded]
    folds: dict[int, tuple[dict[str, Stage], dict[str, Stage], list[Stage]]] = {}
    for fold in plan.split.folds:
        inputs = {"pixels": decoded, "split": _split(plan, listed, fold, 0)}
        oracles = {}
        for i, oracle in enumerate(plan.oracles):
            other = {"pixels": decoded, "split": _split(plan, listed, fold, i + 1)}  # other patients choose the epoch
            oracles[f"oracle{i}"] = _classifier(plan, oracle, fold, other, common)
        found += [inputs["split"], *(o.needs["split"] for o in oracles.values()), *oracles.values()]
        victims = [_classifier(plan, victim, fold, inputs, common) for victim in plan.models]
        found += [*victims, *(_inspected(victim, inputs, common) for victim in victims)]
        folds[fold] = inputs, oracles, victims
    points = _points(plan, [victims for _, _, victims in folds.values()], common)
    found += points.values()
    for inputs, oracles, victims in folds.values():
        for model, victim in zip(plan.models, victims, strict=True):
            others = [other for other in victims if plan.transfer and other is not victim]
            against = {**inputs, **_placed("classifier", victim, points)}
            if plan.strength:
                found.append(_probed(plan, against, common))
            for attack in possible(plan, model):
                found += _cells(plan, attack, against, oracles, [_placed("target", o, points) for o in others])
    return list({stage.key: stage for stage in found}.values())


def _inspected(victim: Stage, inputs: dict[str, Stage], common: dict[str, Any]) -> Stage:
    name, fold = (victim.settings[key] for key in ("name", "fold"))
    needs = {**inputs, "classifier": victim}
    return Stage(
        steps.inspected, f"inspect {name}, fold {fold}", {**common, "name": name, "fold": fold}, needs, victim.modules
    )


def _points(plan: Experiment, victims: list[list[Stage]], common: dict[str, Any]) -> dict[str, Stage]:
    """The stage that chooses each model's operating point, by the model's name; it sees all folds."""
    if plan.operating.rule == "half":
        return {}
    found = {}
    for one in zip(*victims, strict=True):
        name = one[0].settings["name"]
        needs = {"pixels": one[0].needs["pixels"]}
        for stage in one:
            fold = stage.settings["fold"]
            needs |= {f"classifier.{fold}": stage, f"split.{fold}": stage.needs["split"]}
        settings = {**common, "name": name, "rule": plan.operating.model_dump(mode="json"), "batch": plan.batch}
        found[name] = Stage(steps.operating, f"operating point of {name}", settings, needs, one[0].modules)
    return found


def _placed(role: str, victim: Stage, points: dict[str, Stage]) -> dict[str, Stage]:
    """A classifier in its role, and its operating point where one is chosen."""
    point = points.get(victim.settings["name"])
    return {role: victim, **({f"{role}.operating": point} if point else {})}


def _probed(plan: Experiment, inputs: dict[str, Stage], common: dict[str, Any]) -> Stage:
    name, fold = (inputs["classifier"].settings[key] for key in ("name", "fold"))
    rule = plan.strength.model_dump(mode="json") if plan.strength else {}
    settings = {**common, "name": name, "fold": fold, "rule": rule, "seed": digest_seed(plan.seed, "probes")}
    modules = (*inputs["classifier"].modules, *(module_of("attacks", kind) for kind in PROBING), *READ)
    return Stage(steps.probed, f"probe {name}, fold {fold}", settings, inputs, modules)


def possible(plan: Experiment, victim: Victim) -> list[AnyAttack]:
    """The attacks that a classifier gets: all, or those that need no gradients where it has none to give.

    With `transfer` the others are made against another model and shown to this one.

    Raises:
        InputError: a classifier without gradients, and an attack that needs them and has no other model to use.
    """
    blind = [attack for attack in plan.attacks if attack.access == "white-box" and not victim.model.gradients]
    other = plan.transfer and any(model.model.gradients for model in plan.models)
    stuck = sorted({attack.label for attack in blind if not (other and attack.paired)})
    if stuck:
        raise InputError(
            f"attacks: {', '.join(stuck)} need gradients, and `{victim.name}` ({victim.model.kind}) answers questions "
            "only. Take them out and keep those that ask (square, art with HopSkipJump, advgan with "
            "`knowledge: dynamic`), or add a model with gradients to `models` and set `transfer: true`."
        )
    return [attack for attack in plan.attacks if attack not in blind]


def _split(plan: Experiment, listed: Stage, fold: int, shift: int) -> Stage:
    rule = plan.split.model_copy(update={"seed": plan.split.seed + shift, "folds": (fold,)}).model_dump(mode="json")
    whose = f", for oracle {shift}" if shift else ""
    return Stage(steps.split, f"split, fold {fold}{whose}", {"split": rule, "fold": fold}, {"manifest": listed})


def _classifier(plan: Experiment, victim: Victim, fold: int, inputs: dict[str, Stage], common: dict[str, Any]) -> Stage:
    settings = {
        **common,
        **(_shared(plan) if victim.model.trains else {}),
        "name": victim.name,
        "fold": fold,
        "model": victim.model.settings(),
        "bytes": victim.model.fingerprint(),
        "training": victim.training.model_dump(mode="json"),
        "seed": digest_seed(plan.seed, victim.name, fold),
    }
    modules = (module_of("models", victim.model.kind), *(_launched(plan) if victim.model.trains else ()))
    return Stage(steps.classifier, f"classifier {victim.name}, fold {fold}", settings, inputs, modules)


def _cells(
    plan: Experiment,
    attack: AnyAttack,
    inputs: dict[str, Stage],
    oracles: dict[str, Stage],
    others: list[dict[str, Stage]],
) -> Iterator[Stage]:
    """The stages of one attack on one classifier: its training, if it has one, and one cell a seed.

    What it makes is judged by that classifier, and by `others` too.
    """
    fold = inputs["classifier"].settings["fold"]
    modules = (module_of("attacks", attack.kind), *inputs["classifier"].modules)
    what = f"{attack.label}{_budget(attack)} on {inputs['classifier'].settings['name']}, fold {fold}"
    for seed in plan.seeds:
        shared = {"device": plan.device, "attack": attack.settings(), "fold": fold, "attack_seed": seed}
        own = {**shared, "seed": digest_seed(plan.seed, attack.label, seed)}
        needs = dict(inputs)
        if attack.trains:
            team = {**own, **_shared(plan)}
            needs["generator"] = _generator(attack, team, inputs, (*modules, *_launched(plan)))
            yield needs["generator"]
        if attack.paired:
            gallery = plan.gallery if fold == plan.split.folds[0] and seed == plan.seeds[0] else 0
            settings = {**own, **_hasty(plan), "batch": plan.batch, "gallery": gallery}
            yield Stage(steps.attacked, f"attack {what}", settings, needs, modules)
            for other in others if attack.trains or attack.access != "none" else ():  # noise is made for no one
                name = f"transfer {what}, to {other['target'].settings['name']}"
                judged = {**needs, **other}
                both = (*modules, *other["target"].modules)
                yield Stage(steps.transferred, name, {**own, **_hasty(plan), "batch": plan.batch}, judged, both)
        else:
            known = tuple(m for o in oracles.values() for m in o.modules)
            yield Stage(steps.forged, f"attack {what}", own, {**needs, **oracles}, (*modules, *known))


def _generator(attack: AnyAttack, own: dict[str, Any], inputs: dict[str, Stage], modules: tuple[str, ...]) -> Stage:
    """The training of an attack that trains; a DCGAN needs no victim."""
    learns = inputs if attack.paired else {name: inputs[name] for name in ("pixels", "split")}
    against = f" on {inputs['classifier'].settings['name']}" if attack.paired else ""
    name = f"train {attack.label}{_budget(attack)}{against}, fold {own['fold']}"
    learnt = {key: value for key, value in attack.settings().items() if key not in attack.later}
    return Stage(steps.generator, name, {**own, "attack": learnt, "name": attack.label}, dict(learns), modules)


def _shared(plan: Experiment) -> dict[str, int]:
    """How many processes share a training; one alone is not worth saying."""
    return {"processes": plan.processes} if plan.processes > 1 else {}


def _hasty(plan: Experiment) -> dict[str, str | bool]:
    """How attacks are sped up; the usual way is not worth saying. Evidence of their strength is taken without that."""
    rough = {} if plan.attack_precision == "fp32" else {"precision": plan.attack_precision}
    return {**rough, **({"compiled": True} if plan.attack_compile else {})}


def _launched(plan: Experiment) -> tuple[str, ...]:
    """The code that brings those processes together, which is in no key otherwise (`store.LEFT_OUT`)."""
    return ("robustgan.launch",) if plan.processes > 1 else ()


def _budget(attack: AnyAttack) -> str:
    eps = attack.threat.eps
    if eps != eps:  # NaN: unrestricted
        return ""
    return (
        f" {attack.threat.norm} {eps * 255:g}/255" if attack.threat.norm == "linf" else f" {attack.threat.norm} {eps:g}"
    )


def digest_seed(*parts: object) -> int:
    """A seed from names; stable, and independent of what else the config holds."""
    return int(digest([str(part) for part in parts])[:12], 16)


def policy_of(plan: Experiment) -> dict[str, Any] | None:
    """What the run's policy says, in full: a report must not change when the policy's file does.

    Raises:
        InputError: there is no such policy, or it is wrong.
    """
    if not plan.policy:
        return None
    from robustgan.gates import read_policy

    return read_policy(policy_path(plan.policy)).model_dump(mode="json")
