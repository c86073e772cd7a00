"""What an audit is to do: from the few words of a command line to a config that says all of it.

The same thing can be run again, changed and reviewed as a file. Nothing here imports torch or opens a model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from robustgan.config import kinds, plugin_class
from robustgan.errors import InputError, nearest
from robustgan.interfaces import Model

WEIGHTS = (".safetensors", ".pt", ".pth")
FORMS = (
    "a weights file (.safetensors, .pt, .pth) with --architecture, an exported program (.pt2), an ONNX file (.onnx), "
    "module:function or file.py:function, or the kind of a plug-in that brings its weights"
)
NORMALISE: dict[str, tuple[list[Any], list[Any]]] = {  # mean and deviation on the [0, 1] scale
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "half": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    "none": ([0, 0, 0], [1, 1, 1]),
    "bytes": ([0, 0, 0], ["1/255", "1/255", "1/255"]),
}
TASTE = 32  # images a fold for the strength checks of a quick audit; a full one takes the default


@dataclass(frozen=True)
class Mandate:
    """What the command line says; empty where it says nothing."""

    model: str
    data: str
    architecture: str = ""
    weights: str = ""  # for a function
    head: str = ""  # what each output stands for, separated by commas
    probabilities: bool = False
    normalise: str = ""
    run_code: bool = False
    table: str = ""
    columns: str = ""  # path=file,label=class,group=patient_id
    labels: str = ""  # tumour=malignant,normal=benign
    size: int = 224
    eps: tuple[str, ...] = ("8/255",)
    operating: str = "youden"
    train_share: float = 0.0
    quick: bool = False
    name: str = ""


def config(mandate: Mandate) -> dict[str, Any]:
    """The settings of the experiment, as plain values.

    Raises:
        InputError: no such model or data, or an option that would be ignored.
    """
    model, stem = model_of(mandate), _stem(mandate)
    sides: dict[str, Any] = {"protocol": "audit"}
    if mandate.train_share:
        sides["training"] = mandate.train_share
    gradients = cast(type[Model], plugin_class("models", model["kind"])).gradients
    strength: dict[str, Any] = {"threat": {"norm": "linf", "eps": mandate.eps[-1]}}
    return {
        "name": mandate.name or f"audit-{stem}",
        "title": f"Audit of {stem}" + (" (quick: a first look)" if mandate.quick else ""),
        "dataset": dataset_of(mandate),
        "pixels": {"size": mandate.size},
        "split": sides,
        "models": [{"name": stem, "model": model}],
        "attacks": (open_attacks if gradients else asking_attacks)(mandate),
        "operating": _operating(mandate.operating),
        "strength": {**strength, "images": TASTE} if mandate.quick else strength,
    }


# ------------------------------------------------------------------------------------------------ model and data


def model_of(mandate: Mandate) -> dict[str, Any]:
    """The settings of the model that a word names.

    Raises:
        InputError: no such file or plug-in, or an option that this kind of model does not have.
    """
    spec, suffix = mandate.model, Path(mandate.model).suffix
    function = re.fullmatch(r"([^:]+):([A-Za-z_]\w*)", spec)
    if function:
        file, name = function.groups()
        found = {"kind": "function", "function": f"{_whole(file)}:{name}" if file.endswith(".py") else spec}
    elif suffix in (*WEIGHTS, ".pt2", ".onnx"):
        found = _file(mandate, spec, suffix)
    elif spec in kinds("models"):
        if cast(type[Model], plugin_class("models", spec)).trains:
            raise InputError(f"--model: `{spec}` has to be trained first; an audit takes {FORMS}.")
        found = {"kind": spec}
    else:
        raise InputError(f"--model: found `{spec}`; expected {FORMS}.")
    return found | _told(mandate, found["kind"])


def _file(mandate: Mandate, spec: str, suffix: str) -> dict[str, Any]:
    if not Path(spec).expanduser().is_file():
        raise InputError(f"--model: no file {Path(spec).expanduser().absolute()}. Expected is {FORMS}.")
    if suffix not in WEIGHTS:
        return {"kind": "exported" if suffix == ".pt2" else "onnx", "path": _whole(spec)}
    if not mandate.architecture:
        raise InputError(
            f"--architecture: {spec} holds weights alone; name the architecture that they belong to, as timm calls "
            "it: --architecture densenet121."
        )
    return {"kind": "checkpoint", "architecture": mandate.architecture, "weights": _whole(spec)}


def _whole(path: str) -> str:
    """A path that leads to the file from any folder: the config of an audit may be run from another one."""
    return str(Path(path).expanduser().absolute())


def _told(mandate: Mandate, kind: str) -> dict[str, Any]:
    """Settings that options give a model of this kind."""
    wrong = {
        "--architecture": mandate.architecture and kind != "checkpoint",
        "--weights": mandate.weights and kind != "function",
        "--run-code": mandate.run_code and kind not in ("exported", "function"),
    }
    for option, ignored in wrong.items():
        if ignored:
            raise InputError(f"{option}: a model of the kind `{kind}` has no use for it; leave it out.")
    found: dict[str, Any] = {"weights": _whole(mandate.weights)} if mandate.weights else {}
    if mandate.run_code:
        found["run_code"] = True
    if mandate.head or mandate.probabilities:
        classes = {"classes": [one.strip() for one in mandate.head.split(",")]} if mandate.head else {}
        found["head"] = classes | ({"outputs": "probabilities"} if mandate.probabilities else {})
    if mandate.normalise:
        if mandate.normalise not in NORMALISE:
            raise InputError(f"--normalise: found `{mandate.normalise}`. {nearest(mandate.normalise, NORMALISE)}")
        found["mean"], found["std"] = NORMALISE[mandate.normalise]
    return found


def dataset_of(mandate: Mandate) -> dict[str, Any]:
    """The settings of the data set: a folder with a table, or a kind by its name.

    Raises:
        InputError: there is neither.
    """
    known = kinds("datasets")
    told = {
        "csv": mandate.table,
        "columns": _pairs("--columns", mandate.columns),
        "labels": {k: {"benign": 0, "malignant": 1}.get(v, v) for k, v in _pairs("--labels", mandate.labels).items()},
    }
    given = {key: value for key, value in told.items() if value}
    if Path(mandate.data).expanduser().is_dir():
        return {"kind": "folder", "root": str(Path(mandate.data).expanduser().resolve()), **given}
    if mandate.data not in known:
        raise InputError(
            f"--data: no folder {Path(mandate.data).expanduser().absolute()}, and no data set of that name. Give a "
            f"folder with a CSV table of images, labels and patients, or a kind. {nearest(mandate.data, known)}"
        )
    if given:
        raise InputError("--table, --columns and --labels are for a folder of images, and --data names a kind.")
    return {"kind": mandate.data}


def _pairs(option: str, text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part]
    if any(not sign or not key for key, sign, _ in pairs):
        raise InputError(f"{option}: found `{text}`, expected NAME=VALUE,NAME=VALUE.")
    return {key.strip(): value.strip() for key, _, value in pairs}


# -------------------------------------------------------------------------------------------------------- attacks


def open_attacks(mandate: Mandate) -> list[dict[str, Any]]:
    """Attacks on a model whose gradients are to be had."""
    budget = {"threat": {"norm": "linf", "eps": list(mandate.eps)}}
    quick = [{"part": "apgd", "steps": 20}, {"part": "square", "queries": 200}]
    return [
        {"kind": "clean"},
        {"kind": "noise", **budget},
        {"kind": "fgsm", **budget},
        {"kind": "pgd", **budget, "steps": 10 if mandate.quick else 40},
        {"kind": "square", **budget, "queries": 200 if mandate.quick else 5000},
        {"kind": "ensemble", **budget, **({"parts": quick} if mandate.quick else {})},
        *([{"kind": "advgan", **budget}] if mandate.train_share else []),
    ]


def asking_attacks(mandate: Mandate) -> list[dict[str, Any]]:
    """Attacks on a model that only answers: each is a black box."""
    budget = {"threat": {"norm": "linf", "eps": list(mandate.eps)}}
    hop = {"max_iter": 10, "max_eval": 500, "init_eval": 50}
    return [
        {"kind": "clean"},
        {"kind": "noise", **budget},
        {"kind": "square", **budget, "queries": 200 if mandate.quick else 5000},
        *([] if mandate.quick else [{"kind": "art", "method": "HopSkipJump", "parameters": hop, **budget}]),
        *([{"kind": "advgan", "knowledge": "dynamic", **budget}] if mandate.train_share else []),
    ]


def _operating(text: str) -> dict[str, Any]:
    rule, _, value = text.partition("=")
    return {"rule": rule, **({"sensitivity": value} if value else {})}


def _stem(mandate: Mandate) -> str:
    """A short name for the model, made of letters that a name may have."""
    module, _, function = mandate.model.partition(":")
    words = f"{Path(module).stem}-{function}" if function else Path(module).stem
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", words).strip("-_.") or "model"
