"""START HERE: what `robustgan run` does, in the order in which it happens.

`stages` says which steps (steps.py) a config needs and what each depends on; `run` goes through them and skips what is
already there; a plan only looks. Nothing here imports torch.

    manifest -> pixels -> split (a fold) -> classifier (a model and fold) -> inspected
             -> operating (a model) -> probed (a model and fold) -> generator (an attack that trains)
             -> attacked | transferred | forged (an attack, seed, model and fold) -> report
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from robustgan import provenance, steps
from robustgan.config import module_of
from robustgan.errors import FullDiskError, InputError, RunError
from robustgan.experiment import Experiment, Victim
from robustgan.interfaces import AnyAttack
from robustgan.journal import Tick
from robustgan.shipped import policy_path
from robustgan.store import cached, code_digest, digest

PROBING = ("fgsm", "noise", "pgd")  # attacks that probing/plan.py names
BASE = ("manifest", "pixels", "split", "inspected")  # where these fail, nothing that follows would mean anything
ROOM = 2**20  # bytes: a disk with less is full, for whoever just failed to write to it


@dataclass(frozen=True)
class Stage:
    """One step of a run, with everything that its result depends on."""

    step: Callable[[steps.Work], None]
    name: str  # what people read
    settings: dict[str, Any]
    needs: dict[str, Stage] = field(default_factory=dict)
    modules: tuple[str, ...] = ()  # plug-ins that the settings name

    @property
    def kind(self) -> str:
        """The step's name, and its folder under runs/."""
        return self.step.__name__

    @cached_property
    def key(self) -> str:
        """Digest of settings, inputs and code."""
        inputs = {name: stage.key for name, stage in self.needs.items()}
        return digest([self.kind, self.settings, inputs, code_digest(self.step, *self.modules)])


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes; never part of a key."""

    out: Path  # gets runs/ and reports/
    data: Path  # data sets are found under this folder

    def folder(self, stage: Stage) -> Path:
        """Where a stage's result is, once it is there."""
        return self.out / "runs" / stage.kind / stage.key


Watch = Callable[[Stage, bool], Tick]  # told of each stage and whether it is there already; gives its progress a place


# ----------------------------------------------------------------------------------------------- what is to be done


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
    fingerprint = plan.dataset.fingerprint(plan.dataset.locate(place.data, Path()))
    listed = Stage(steps.manifest, "list images", {**dataset, "bytes": fingerprint}, modules=(source,))
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
    modules = (*inputs["classifier"].modules, *(module_of("attacks", kind) for kind in PROBING))
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
        "name": victim.name,
        "fold": fold,
        "model": victim.model.settings(),
        "bytes": victim.model.fingerprint(),
        "training": victim.training.model_dump(mode="json"),
        "seed": digest_seed(plan.seed, victim.name, fold),
    }
    modules = (module_of("models", victim.model.kind),)
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
            learns = (
                dict(inputs) if attack.paired else {k: inputs[k] for k in ("pixels", "split")}
            )  # a DCGAN needs no victim
            settings = {**own, "name": attack.label}
            needs["generator"] = Stage(steps.generator, f"train {what}", settings, learns, modules)
            yield needs["generator"]
        if attack.paired:
            gallery = plan.gallery if fold == plan.split.folds[0] and seed == plan.seeds[0] else 0
            settings = {**own, "batch": plan.batch, "gallery": gallery}
            yield Stage(steps.attacked, f"attack {what}", settings, needs, modules)
            for other in others if attack.trains or attack.access != "none" else ():  # noise is made for no one
                name = f"transfer {what}, to {other['target'].settings['name']}"
                judged = {**needs, **other}
                both = (*modules, *other["target"].modules)
                yield Stage(steps.transferred, name, {**own, "batch": plan.batch}, judged, both)
        else:
            known = tuple(m for o in oracles.values() for m in o.modules)
            yield Stage(steps.forged, f"attack {what}", own, {**needs, **oracles}, (*modules, *known))


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


# ---------------------------------------------------------------------------------------------------------- doing it


def run(plan: Experiment, place: Place, command: str, watch: Watch) -> tuple[Path, list[str]]:
    """Do what is not done yet, then write the report.

    A stage that fails is reported and takes with it only what depends on it.

    Returns:
        The report's folder, and one line for each stage that failed.
    """
    failed: dict[str, str] = {}
    done: dict[str, Stage] = {}
    for stage in stages(plan, place):
        lost = [need.name for need in stage.needs.values() if need.key not in done]
        if lost:
            failed[stage.name] = f"not run: it needs `{lost[0]}`, which failed"
            continue
        try:
            build(stage, place, watch)
            done[stage.key] = stage
        except RunError as error:
            failed[stage.name] = str(error)
        except InputError as error:  # a setting that only the data show to be wrong takes no other cell with it
            if stage.kind in BASE or isinstance(error, FullDiskError):
                raise
            failed[stage.name] = str(error)
    final = closing(plan, list(done.values()), failed, command)
    build(final, place, watch)
    return publish(plan, final, list(done.values()), place), [f"{name}: {why}" for name, why in failed.items()]


def build(stage: Stage, place: Place, watch: Watch) -> Path:
    """Make a stage's folder, unless it is there."""
    tick = watch(stage, place.folder(stage).exists())
    inputs = {name: place.folder(need) for name, need in stage.needs.items()}

    def make(folder: Path) -> dict[str, Any]:
        start = time.perf_counter()
        if "device" in stage.settings:  # the step works with torch
            from robustgan import repeatable

            repeatable.enforce(stage.settings["device"])
        stage.step(steps.Work(stage.settings, inputs, folder, place.data, tick))
        record = {"stage": stage.kind, "name": stage.name, "key": stage.key, "settings": stage.settings}
        keys = {name: need.key for name, need in stage.needs.items()}
        cost = {"seconds": round(time.perf_counter() - start, 3), "peak_mib": provenance.peak_memory()}
        return {**record, "inputs": keys, **provenance.machine(), **cost}

    try:
        return cached(place.out / "runs", stage.kind, stage.key, make)
    except Exception as error:
        check_room(place.out, stage.name, error)
        raise


def check_room(out: Path, name: str, error: Exception) -> None:
    """Find out whether a stage failed because the disk is full: libraries that write say so in many ways.

    Raises:
        FullDiskError: it is.
    """
    there = next(path for path in (out, *out.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < ROOM:
        raise FullDiskError(
            f"{out}: the disk is full ({free:,} bytes left), in `{name}`. Nothing finished is lost: make room, or "
            "choose another --out, and run again."
        ) from error


def closing(plan: Experiment, done: list[Stage], failed: dict[str, str], command: str) -> Stage:
    """The report, which needs everything that was done."""
    failures = [{"stage": name, "reason": why} for name, why in failed.items()]
    settings = {
        "config": plan.settings(),
        "changed": [attack.model_dump(mode="json", exclude_defaults=True) for attack in plan.attacks],
        "citation": plan.dataset.source,
        "command": command,
        "failures": failures,
        "policy": policy_of(plan),
    }
    return Stage(steps.report, "report", settings, {f"{i:04d}": stage for i, stage in enumerate(done)})


def policy_of(plan: Experiment) -> dict[str, Any] | None:
    """What the run's policy says, in full: a report must not change when the policy's file does.

    Raises:
        InputError: there is no such policy, or it is wrong.
    """
    from robustgan.gates import read_policy

    return read_policy(policy_path(plan.policy)).model_dump(mode="json") if plan.policy else None


def publish(plan: Experiment, final: Stage, done: list[Stage], place: Place) -> Path:
    """Put the finished report where people look for it, replacing the last one in one move."""
    target = place.out / "reports" / plan.name
    fresh, old = target.with_name(f".{plan.name}.new"), target.with_name(f".{plan.name}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(place.folder(final), fresh)
    provenance.write(fresh / "run.json", [place.folder(stage) for stage in (*done, final)], plan.settings())
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target
