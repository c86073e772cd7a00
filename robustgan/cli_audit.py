"""`robustgan audit`: any classifier, any folder of images, one command; nothing is trained."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from robustgan.cli_gate import EXITS, gate
from robustgan.cli_run import Parts, Threads, Workers, carried, try_again
from robustgan.cli_shards import lament
from robustgan.shipped import policies, policy_path
from robustgan.terminal import (
    FOLDERS,
    SCRATCH,
    AsJson,
    Retry,
    Scratch,
    Settings,
    err,
    examples,
    out,
    place_of,
    threads_told,
)

CLASSIFIER, IMAGES, VERDICT = "The classifier", "The images", "Attacks and verdict"
EXAMPLES = f"With a policy: {EXITS}\n\n" + examples(
    "robustgan audit --model net.safetensors --architecture densenet121 --data slides --policy release",
    "robustgan audit --model net.onnx --head malignant --data slides --columns group=patient_id",
    "robustgan audit --model my_net.py:build --run-code --data slides --dry-run > audit.yaml",
)
HEAD = (
    "What each output stands for, in order: `benign,malignant` (the default), `malignant,benign`, `malignant` for one "
    "logit with a sigmoid, or one word for each of k classes."
)
RUN_CODE = "Leave to run code: a function is yours, and reading a .pt2 can run what it holds."
LEARN = (
    "Share of the patients that AdvGAN learns from, such as 0.4; they are not tested then. Without it no generator is "
    "trained. A model that only answers is learned from its answers."
)
POLICY = "Judge the run by this policy, in the report too: a file, or the name of one that comes with robustgan."


def audit(
    model: Annotated[
        str,
        typer.Option(
            help="Weights, .pt2, .onnx, module:function, file.py:function or a plug-in.", rich_help_panel=CLASSIFIER
        ),
    ],
    data: Annotated[
        str,
        typer.Option(help="Folder with a CSV table of images, labels and patients; or a kind.", rich_help_panel=IMAGES),
    ],
    policy: Annotated[str, typer.Option(help=POLICY, rich_help_panel=VERDICT)] = "",
    architecture: Annotated[
        str, typer.Option(help="Of a weights file, as timm calls it.", rich_help_panel=CLASSIFIER)
    ] = "",
    weights: Annotated[
        str, typer.Option(help="Weights file for the module that a function returns.", rich_help_panel=CLASSIFIER)
    ] = "",
    head: Annotated[str, typer.Option(help=HEAD, rich_help_panel=CLASSIFIER)] = "",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="The outputs are no logits.", rich_help_panel=CLASSIFIER)
    ] = False,
    normalise: Annotated[
        str, typer.Option(help="imagenet (default of weights files), half, none or bytes.", rich_help_panel=CLASSIFIER)
    ] = "",
    run_code: Annotated[bool, typer.Option("--run-code", help=RUN_CODE, rich_help_panel=CLASSIFIER)] = False,
    table: Annotated[
        str, typer.Option(help="The CSV table in the folder; manifest.csv by default.", rich_help_panel=IMAGES)
    ] = "",
    columns: Annotated[
        str, typer.Option(help="Its columns: path=file,label=class,group=patient_id.", rich_help_panel=IMAGES)
    ] = "",
    labels: Annotated[
        str, typer.Option(help="Its labels: tumour=malignant,normal=benign.", rich_help_panel=IMAGES)
    ] = "",
    size: Annotated[
        int, typer.Option(help="Side of the square that images are brought to, in pixels.", rich_help_panel=IMAGES)
    ] = 224,
    eps: Annotated[
        list[str] | None, typer.Option(help="Budget, largest last; 8/255 by default.", rich_help_panel=VERDICT)
    ] = None,
    operating: Annotated[
        str, typer.Option(help="half, youden or sensitivity=0.95, on validation patients.", rich_help_panel=VERDICT)
    ] = "youden",
    train_share: Annotated[float, typer.Option(min=0, max=0.9, help=LEARN, rich_help_panel=VERDICT)] = 0.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few steps and queries: a first look.", rich_help_panel=VERDICT)
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the report; made from the model's by default.")] = "",
    sets: Settings = None,
    out_dir: Annotated[
        str,
        typer.Option(
            "--out", help="Folder or URL that gets `runs/`, `reports/` and the config.", rich_help_panel=FOLDERS
        ),
    ] = ".",
    scratch: Scratch = SCRATCH,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the config; run nothing.")] = False,
    as_json: AsJson = False,
    workers: Workers = 1,
    threads: Threads = 1,
    parts: Parts = 1,
    retry_failed: Retry = False,
) -> None:
    """Audit a trained classifier: faults, attacks, strength evidence, report. Every patient validates or tests.

    A model without gradients (ONNX) meets attacks that ask for its outputs, and its report says so. The config of the
    audit is written beside the report; `robustgan run` takes it.
    """
    from robustgan import mandate
    from robustgan.execute import Manner, choose
    from robustgan.experiment import experiment
    from robustgan.stages import stages

    wanted = mandate.Mandate(
        model, data, architecture, weights, head, probabilities, normalise, run_code, table, columns, labels, size,
        tuple(eps or ["8/255"]), operating, train_share, quick, name,
    )  # fmt: skip
    settings = _changed({**mandate.config(wanted), **({"policy": _stated(policy)} if policy else {})}, sets)
    plan = experiment(settings)
    place = place_of(plan, out_dir, ".", scratch, threads)
    text = written(settings)
    if dry_run:
        total = len(stages(plan, place))
        out.print(text.rstrip("\n"), markup=False, highlight=False)
        err.print(f"{total} stages, then the report. Nothing was run.", highlight=False)
        return
    file = place.out / f"{plan.name}.yaml"
    place.out.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    if place.depot is not None:
        place.depot.write(file.name, text)
    if retry_failed:
        try_again(plan, place)
    manner = Manner(choose("local", workers, ""), parts=parts)
    where = Path(out_dir) / file.name if place.depot is None else file
    words = ["robustgan", "run", str(where), *(["--out", out_dir] if out_dir != "." else []), *threads_told(threads)]
    folder, failures = carried(plan, place, shlex.join(words), as_json, manner=manner)
    lament(failures)
    _leave(folder, policy, as_json, bool(failures))


def _leave(folder: Path, policy: str, as_json: bool, failed: bool) -> None:
    """Judge what is there, whatever failed, and leave with the exit code that comes first in `rows.PRECEDENCE`."""
    from robustgan.gates.rows import EXIT_CODES, PRECEDENCE

    codes = [EXIT_CODES["incomplete"]] * failed
    if policy:
        try:
            gate(str(folder), policy, as_json=as_json)
        except typer.Exit as verdict:
            codes.append(verdict.exit_code)
    found = next((EXIT_CODES[status] for status in PRECEDENCE if EXIT_CODES[status] in codes), 0)
    raise typer.Exit(found)


def _stated(policy: str) -> str:
    """A policy as the config names it: by its name, or by a path that leads there from any folder."""
    path = policy_path(policy)
    return policy if path == policies().get(policy) else str(path.absolute())


def written(settings: dict[str, Any]) -> str:
    """The config as YAML, in the order in which it was made."""
    return yaml.dump(settings, Dumper=Plain, sort_keys=False, width=120, allow_unicode=True)


class Plain(yaml.SafeDumper):
    """Writes a part that stands in several places in full each time, as people would."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never refer back."""
        return True


def _changed(settings: dict[str, Any], sets: list[str] | None) -> dict[str, Any]:
    from robustgan.config import override

    for one in sets or []:
        settings = override(settings, one)
    return settings
