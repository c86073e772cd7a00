"""What the Adversarial Robustness Toolbox offers, read from its source without running it.

Importing ART takes seconds and torch; a config has to be checked, and a typo found, before anything is
trained and on machines that have neither.
"""

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from robustgan.errors import InputError

# What a method may ask of the classifier (ART's `_estimator_requirements`); others attack detectors or trees.
OFFERED = {
    "BaseEstimator",
    "NeuralNetworkMixin",
    "ClassifierMixin",
    "LossGradientsMixin",
    "ClassGradientsMixin",
}

# Methods that cannot answer our question, whatever their parameters, and why.
ELSEWHERE = {
    "AdversarialPatch": "makes a patch",
    "AdversarialPatchNumpy": "makes a patch",
    "AdversarialPatchPyTorch": "makes a patch",
    "AutoAttack": "its DLR loss needs three classes (ART issue 2399)",
    "FeatureAdversariesNumpy": "needs an image to imitate",
    "FeatureAdversariesPyTorch": "needs an image to imitate",
    "FrameSaliencyAttack": "attacks videos",
    "GRAPHITEBlackbox": "makes a patch",
    "GRAPHITEWhiteboxPyTorch": "makes a patch",
    "LowProFool": "attacks tables",
    "OverTheAirFlickeringPyTorch": "attacks videos",
    "PixelAttack": "refuses two classes",
    "SignOPTAttack": "refuses two classes",
    "TargetedUniversalPerturbation": "needs a class to aim at",
    "ThresholdAttack": "refuses two classes",
    "Wasserstein": "has a budget that is neither Linf nor L2",
}


def methods() -> list[str]:
    """Classes of evasion attacks that apply to whole images and a classifier with two logits in torch."""
    return [name for name in listed() if applies(name)]


def applies(name: str) -> bool:
    """Whether there is such a method, for whole images and a classifier with two logits in torch."""
    file = listed().get(name)
    if file is None or name in ELSEWHERE:
        return False
    asked = requirements(name, file)
    return bool(asked) and asked <= OFFERED


def parameters(name: str) -> list[str]:
    """Settings of a method: the arguments of its `__init__` after self and the classifier."""
    body = definition(name, listed()[name]).body
    init = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    return [argument.arg for argument in (*init.args.args[2:], *init.args.kwonlyargs)]


def requirements(name: str, file: Path) -> set[str]:
    """Names of the classes that the classifier has to be; empty where neither method nor parents say."""
    found = definition(name, file)
    for node in found.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "_estimator_requirements":
            return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - {target.id}
    tree = parsed(file)
    places = {**imported(tree), **{node.name: file for node in tree.body if isinstance(node, ast.ClassDef)}}
    bases = [base.id for base in found.bases if isinstance(base, ast.Name) and base.id in places]
    return {name for base in bases for name in requirements(base, places[base])}


def listed() -> dict[str, Path]:
    """Everything that ART calls an evasion attack: name of the class -> file that defines it."""
    found = imported(parsed(_package() / "attacks" / "evasion" / "__init__.py"))
    return {name: file for name, file in found.items() if file.is_file() and "TensorFlow" not in name}


def definition(name: str, file: Path) -> ast.ClassDef:
    """The statement that defines a class.

    Raises:
        InputError: the file defines no such class: this release of ART is laid out in a way we do not know.
    """
    for node in parsed(file).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise InputError(f"adversarial-robustness-toolbox: no class {name} in {file}; install a release from 1.19 on.")


def imported(tree: ast.Module) -> dict[str, Path]:
    """Names that a file of ART takes from other files of ART."""
    return dict(_imports(tree))


@cache  # a config may hold many attacks, and these files belong to an installed package
def parsed(file: Path) -> ast.Module:
    """The statements of a Python file."""
    return ast.parse(file.read_text("utf-8"))


def _imports(tree: ast.Module) -> Iterator[tuple[str, Path]]:
    root = _package().parent
    for node in tree.body:  # what is imported under a condition needs a package that ART does not bring
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("art."):
            file = root.joinpath(*str(node.module).split(".")).with_suffix(".py")
            yield from ((alias.name, file) for alias in node.names)


def _package() -> Path:
    found = importlib.util.find_spec("art")
    if found is None or found.origin is None:
        raise InputError("ART is not installed. Run: pip install adversarial-robustness-toolbox")
    return Path(found.origin).parent
