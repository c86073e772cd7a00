"""Attacks in the words of two catalogues: MITRE ATLAS technique ids and NIST AI 100-2 classes, and what each supposes.

Ids get renamed: the versions are printed wherever the ids are.

Source: MITRE ATLAS 5.6.0 (5 May 2026); NIST AI 100-2e2025, sections 2.2.1 to 2.2.3 and its index of attacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

NIST = "AI 100-2e2025"

NAMES = {
    "AML.T0005.000": "Create Proxy AI Model: Train Proxy via Gathered AI Artifacts",
    "AML.T0005.001": "Create Proxy AI Model: Train Proxy via Replication",
    "AML.T0040": "AI Model Inference API Access",
    "AML.T0043": "Craft Adversarial Data",
    "AML.T0043.000": "White-Box Optimization",
    "AML.T0043.001": "Black-Box Optimization",
    "AML.T0043.002": "Black-Box Transfer",
    "AML.T0044": "Full AI Model Access",
}
EVASION, BLACK_BOX = "Evasion (NISTAML.022), white-box", "Black-box evasion (NISTAML.025)"
TRANSFERRED = "Black-box evasion (NISTAML.025), by transfer"


class Technique(NamedTuple):
    """What an attack supposes."""

    knowledge: str
    access: str
    atlas: tuple[str, ...]
    nist: str


WHITE = Technique("the classifier and its weights", "gradients", ("AML.T0043.000", "AML.T0044"), EVASION)
QUERY = Technique("nothing of the classifier", "its answers, image by image", ("AML.T0043.001", "AML.T0040"), BLACK_BOX)
NONE = Technique("nothing", "none: a control, no attack", (), "none: a control")
TRAINED = WHITE._replace(access="gradients in training; afterwards the generator alone")
DISTILLED = Technique(
    "nothing of the classifier; images of its kind", "its answers, while a generator is trained on a substitute",
    ("AML.T0005.001", "AML.T0043.002", "AML.T0040"), TRANSFERRED,
)  # fmt: skip
STATIC = DISTILLED._replace(access="its answers to a fixed set of images, once")
ESTIMATED = QUERY._replace(
    knowledge="nothing of the classifier; images of its kind", access="its answers, while a generator is trained"
)
PROXY = Technique(
    "nothing of the classifier; labelled images of its kind", "none: classifiers of its own stand in",
    ("AML.T0005.000", "AML.T0043.002"), TRANSFERRED,
)  # fmt: skip
SCRATCH = Technique(
    "images of its kind; the weights only for the search", "gradients for the search; else none", ("AML.T0043",),
    "Evasion (NISTAML.022), unrestricted: no bound on the change",
)  # fmt: skip
MOVED = Technique(
    "another classifier for the same task", "none to the one that judges", ("AML.T0043.002",), TRANSFERRED
)
UNKNOWN = Technique("see the plug-in", "see the plug-in", (), "not mapped")

KINDS = {
    "clean": NONE, "noise": NONE, "fgsm": WHITE, "pgd": WHITE, "apgd": WHITE, "fab": WHITE, "square": QUERY,
    "advgan": TRAINED, "dcgan": SCRATCH, "art": WHITE,
    "ensemble": WHITE._replace(access="gradients, and answers for the parts that need no gradient",
                               atlas=("AML.T0043.000", "AML.T0043.001", "AML.T0044")),
}  # fmt: skip
ANSWERS = (  # methods of ART that ask for answers alone; the others take gradients
    "BoundaryAttack", "GeoDA", "HopSkipJump", "SimBA", "SpatialTransformation", "SquareAttack",
    "VirtualAdversarialMethod", "ZooAttack",
)  # fmt: skip
KNOWLEDGE = {"dynamic": DISTILLED, "static": STATIC, "transfer": PROXY, "estimated": ESTIMATED}


def technique(entry: Mapping[str, Any]) -> Technique:
    """What an attack of a config supposes; an attack that is not in the list is not guessed at."""
    kind = str(entry.get("kind"))
    if kind == "advgan":
        return KNOWLEDGE.get(str(entry.get("knowledge")), TRAINED)
    if kind == "art" and entry.get("method") in ANSWERS:
        return QUERY
    return KINDS.get(kind, UNKNOWN)


def goal(entry: Mapping[str, Any]) -> str:
    """What the attacker wants."""
    if entry.get("kind") in ("clean", "noise"):
        return "none: a control"
    told = {"hide": "missed cancers: malignant is called benign", "invent": "false alarms: benign is called malignant"}
    return told.get(str(entry.get("goal")), "any wrong answer")
