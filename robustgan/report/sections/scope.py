"""What was tested, on what, and against whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from robustgan.gates import atlas
from robustgan.gates.evidence import label_of
from robustgan.report import cases as lookup
from robustgan.report import mitigations, techniques
from robustgan.report.document import Block, Cell, Paragraph, Section, Table, Terms
from robustgan.report.folder import Folder
from robustgan.report.words import absent, count, listed, plain

FITS = {
    "crop": "the short side is resized to {size} pixels and the centre is cut out",
    "pad": "the long side is resized to {size} pixels and the rest is filled with white",
    "stretch": "both sides are resized to {size} pixels",
}
KNOWS = {  # what an attacker of each kind needs
    "clean": "nothing: the images as they are",
    "noise": "nothing: random signs, the control",
    "fgsm": "the classifier's weights: one gradient step",
    "pgd": "the classifier's weights: many gradient steps",
    "apgd": "the classifier's weights: many gradient steps, their size adapted",
    "fab": "the classifier's weights: gradient steps along the boundary",
    "square": "answers of the classifier: no gradient",
    "ensemble": "the classifier's weights; the parts that need no gradient ask for answers alone",
    "art": "as the named attack of the Adversarial Robustness Toolbox",
    "advgan": "the weights while its generator is trained; one forward pass of the generator afterwards",
    "dcgan": "training images; the weights only for the search in latent space",
}
APART = ("kind", "name", "threat")  # settings with columns of their own
DEFINING = (
    "method",
    "steps",
    "restarts",
    "goal",
    "form",
    "knowledge",
    "objective",
)  # shown even where they are default


def section(folder: Folder) -> Section:
    """Data, protocol, pixels, classifiers, machine."""
    return Section("scope", "What was tested", (Terms(tuple(_terms(folder))), *_classifiers(folder)))


def _terms(folder: Folder) -> list[tuple[str, str]]:
    config, judged = folder.config, folder.predictions
    images, patients = judged["image_id"].nunique(), judged["group"].nunique()
    dataset = config.get("dataset", {})
    split, pixels = config.get("split", {}), config.get("pixels", {})
    seen = _seen(folder)
    folds = sorted({int(fold) for fold in [*judged["fold"], *folder.generated["fold"]]})
    fit = FITS.get(str(pixels.get("fit")), str(pixels.get("fit"))).format(size=pixels.get("size"))
    return [
        ("Data set", f"{dataset.get('kind', '?')}{_settings(dataset, ('kind', 'citation'), ' with ')}"),
        ("Judged", f"{count(images, 'image')} of {count(patients, 'patient')}, {seen}"),
        ("Split", f"protocol {split.get('protocol', '?')}, {_folds(folds)}"),
        (
            "Pixels",
            f"{pixels.get('size', '?')} x {pixels.get('size', '?')}; {fit}; judged after rounding to 8 bits",
        ),
        (
            "Labels",
            f"benign (negative) and malignant (positive); malignant from P(malignant) {_thresholds(folder)}",
        ),
        (
            "Seeds",
            f"run {config.get('seed', '?')}; attacks {listed([str(seed) for seed in config.get('seeds', [])]) or '?'}",
        ),
        ("Device", str(folder.run["device"])),
        ("Versions", ", ".join(f"{name} {version}" for name, version in folder.run["versions"].items())),
    ]


def _seen(folder: Folder) -> str:
    """Which classifiers may know the judged images from training."""
    brought = [name for name in folder.models if name in folder.elsewhere]
    if folder.leaks_patients:
        return "some of them seen in training"
    if brought and len(brought) == len(folder.models):
        return "unknown whether they were seen in training, which was elsewhere"
    rest = f" of this run; unknown of {listed(brought)}, trained elsewhere" if brought else ""
    return f"none of them seen in training{rest}"


def _thresholds(folder: Folder) -> str:
    found = {plain(folder.threshold(model)): model for model in folder.models}
    if len(found) < 2:
        return f"{next(iter(found), '0.5')}, before and after the attack"
    named = [f"{plain(folder.threshold(model))} ({model})" for model in folder.models]
    return f"{listed(named)}, before and after the attack"


def _folds(folds: list[int]) -> str:
    if len(folds) == 1:
        return f"fold {folds[0]}"
    names = listed([str(fold) for fold in folds])
    return f"test patients pooled over folds {names}: each is a test patient once"


def _classifiers(folder: Folder) -> list[Block]:
    roles = {
        str(entry.get("name")): (role, entry)
        for key, role in (("models", "victim"), ("oracles", "oracle"))
        for entry in folder.config.get(key, [])
    }
    rows = []
    for name, card in folder.run["models"].items():
        role, entry = roles.get(name, ("", {}))
        model = entry.get("model", {})
        weights = ", ".join(
            f"{digest[:12]} (fold {fold})" for fold, digest in sorted(card.get("weights_sha256", {}).items())
        )
        size = float(card.get("parameters", 0))
        kind = f"{model.get('kind', '?')}{_settings(model, ('kind',), ': ')}"
        rows.append((Cell(str(name)), Cell(role), Cell(kind), Cell(f"{size:,.0f}", size), Cell(weights)))
    if not rows:
        return []
    columns = ("Classifier", "Role", "Architecture", "Parameters", "sha256 of the weights, first 12")
    caption = "Classifiers. Victims are attacked; oracles judge generated images, or help to search for them."
    return [Table(caption, columns, tuple(rows))]


def threats(folder: Folder) -> Section:
    """The threat model, attack by attack."""
    goal = (
        "Goal: any wrong answer on an image that was answered rightly (untargeted); on malignant images "
        "that is a missed cancer, on benign ones a false alarm. Budgets k/255 bound the change of every "
        "channel of every pixel, in levels of 8 bits; L2 bounds the Euclidean length of the whole change "
        "on the [0, 1] scale. The harness, not the attack, projects into the budget, rounds to 8 bits and "
        "checks what would be written."
    )
    attacks = folder.config.get("attacks", [])
    changed = folder.run.get("changed") or [{}] * len(attacks)  # reports of older runs do not know the defaults
    budgets: dict[tuple[str, str, str, str], list[float]] = {}
    whole: dict[tuple[str, str], None] = {}
    for entry, own in zip(attacks, changed, strict=True):
        threat = entry.get("threat") or {}
        what = (label_of(entry), _needs(entry), str(threat.get("norm", "unrestricted")))
        key = (*what, _settings(_telling(entry, own), APART, ""))
        budgets.setdefault(key, []).append(float(threat.get("eps", "nan")))
        whole[lookup.shown(label_of(entry)), _settings(entry, APART, "")] = None
    columns = (
        "Attack", "Budgets", "What the attacker needs", "Forward passes an image", "Gradients an image", "Settings",
    )  # fmt: skip
    caption = (
        "Attacks. Forward passes and gradients are counted where the attack runs, not in training. Settings: what "
        "defines the attack and what is not as it is by default."
    )
    rows = tuple(_threat(folder.predictions, *key, eps) for key, eps in budgets.items())
    every = tuple((Cell(name), Cell(settings)) for name, settings in whole if settings)
    tables = (
        Table(caption, columns, rows),
        *_catalogued(folder),
        Table("Every setting of every attack, defaults too", ("Attack", "Settings"), every, folded=True),
    )
    return Section("threats", "Threat model", (Paragraph(goal), *tables))


def _catalogued(folder: Folder) -> list[Table]:
    """What each attack supposes, in the words of MITRE ATLAS and NIST, and what ATLAS lists against it."""
    lines: dict[tuple[str, ...], None] = {}
    used: dict[str, None] = {}
    for entry in folder.config.get("attacks", []):
        found = techniques.technique(entry)
        name, goal = lookup.shown(label_of(entry)), techniques.goal(entry)
        lines[name, goal, found.knowledge, found.access, ", ".join(found.atlas) or "none", found.nist] = None
        used |= dict.fromkeys(found.atlas)
    if any(lookup.transfers(folder, model) for model in folder.judged):
        goal, found = "any wrong answer of another classifier", techniques.MOVED
        lines["Transfer", goal, found.knowledge, found.access, ", ".join(found.atlas), found.nist] = None
        used |= dict.fromkeys(found.atlas)
    names = "; ".join(f"{key} {techniques.NAMES[key]}" for key in sorted(used)) or "none is used here"
    caption = (
        f"Goal, knowledge and access of each attack, with technique ids of MITRE ATLAS {atlas.VERSION} ({names}; "
        f"all of them serve AML.T0015 Evade AI Model) and classes of NIST {techniques.NIST}."
    )
    columns = ("Attack", "Goal", "Knowledge", "Access", "MITRE ATLAS", "NIST class")
    table = Table(caption, columns, tuple(tuple(Cell(text) for text in line) for line in lines))
    return [table, *_mitigated(used)]


def _mitigated(used: Collection[str]) -> list[Table]:
    """The mitigations that the catalogue lists against these techniques; nothing where it lists none."""
    found = mitigations.listed(used)
    caption = (
        f"Mitigations that MITRE ATLAS {atlas.VERSION} lists against these techniques, for a reviewer to ask about: "
        "whether one is in place, and whether it helps, is not judged here."
    )
    rows = tuple((Cell(one.id), Cell(one.name), Cell(", ".join(one.against))) for one in found)
    return [Table(caption, ("Mitigation", "Name", "Against"), rows, folded=True)] if found else []


def _spent(mean: float) -> Cell:
    return absent() if mean != mean else Cell(plain(mean), float(mean))


def _telling(entry: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Of the settings of an attack those that say what it is, and those that are not as they come."""
    return {key: changed.get(key, value) for key, value in entry.items() if key in DEFINING or key in changed}


def _needs(entry: Mapping[str, Any]) -> str:
    kind = str(entry.get("kind"))
    if entry.get("knowledge") in ("dynamic", "static", "estimated"):
        return f"answers of the classifier, {entry['queries']:,} images at most, while its generator is trained"
    if entry.get("knowledge") == "transfer":
        return "labelled images of its kind, while its generator is trained; nothing of the classifier"
    return KNOWS.get(kind, f"see the plug-in {kind}")


def _threat(
    predictions: pd.DataFrame, name: str, needs: str, norm: str, settings: str, eps: list[float]
) -> tuple[Cell, ...]:
    mine = predictions[(predictions["attack"] == name) & (predictions["norm"] == norm)]
    sizes = listed([lookup.budget(norm, value) for value in eps if value == value]) or "none"
    return (
        Cell(lookup.shown(name)),
        Cell(sizes),
        Cell(needs),
        *(_spent(mine[column].mean()) for column in ("queries", "backwards")),
        Cell(settings),
    )


def _settings(mapping: Mapping[str, Any], without: tuple[str, ...], before: str) -> str:
    """Settings as `a=1, b=x`; what is empty is left out."""
    shown = [
        f"{key}={_value(value)}" for key, value in mapping.items() if key not in without and value not in ("", None)
    ]
    return before + ", ".join(shown) if shown else ""


def _value(value: object) -> str:
    if isinstance(value, float):
        return lookup.grey_levels(value) if 0 < value < 0.2 and abs(value * 255 % 1) < 1e-6 else f"{value:.6g}"
    if isinstance(value, Mapping):
        return "{" + _settings(value, (), "") + "}"
    return str(value)
