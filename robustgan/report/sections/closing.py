"""How things were trained, what failed, how to repeat it, what the numbers mean and do not say."""

from __future__ import annotations

import json
import shlex

from robustgan import metrics
from robustgan.gates.evidence import label_of
from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.document import Block, Cell, Items, Listing, Paragraph, Section, Table, Terms
from robustgan.report.folder import Folder
from robustgan.report.words import count, listed

FEW = 30  # patients of one class, below which a limit says so

CITATIONS = (
    "AdvGAN: C. Xiao, B. Li, J.-Y. Zhu, W. He, M. Liu, D. Song. Generating adversarial examples with "
    "adversarial networks. IJCAI 2018. arXiv:1801.02610.",
    "DCGAN: A. Radford, L. Metz, S. Chintala. Unsupervised representation learning with deep "
    "convolutional generative adversarial networks. ICLR 2016. arXiv:1511.06434.",
    "FGSM: I. Goodfellow, J. Shlens, C. Szegedy. Explaining and harnessing adversarial examples. ICLR "
    "2015. arXiv:1412.6572.",
    "PGD: A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu. Towards deep learning models resistant "
    "to adversarial attacks. ICLR 2018. arXiv:1706.06083.",
    "ART: M.-I. Nicolae et al. Adversarial Robustness Toolbox v1.0.0. 2018. arXiv:1807.01069.",
    "DenseNet: G. Huang, Z. Liu, L. van der Maaten, K. Weinberger. Densely connected convolutional "
    "networks. CVPR 2017.",
    "Intervals: E. L. Korn, B. I. Graubard. Confidence intervals for proportions with small expected "
    "number of positive counts estimated from survey data. Survey Methodology 24 (1998) 193-201.",
    "Multiple tests: S. Holm. A simple sequentially rejective multiple test procedure. Scand. J. Statist. "
    "6 (1979) 65-70.",
    "Patient recognition: F. A. Spanhol, L. S. Oliveira, C. Petitjean, L. Heutte. A dataset for breast "
    "cancer histopathological image classification. IEEE TBME 63 (2016) 1455-1462.",
)


def training(folder: Folder) -> Section:
    """Curves of everything that was trained."""
    drawn = pictures.training(folder)
    none = Paragraph("Nothing was trained in this run, or no training left its numbers.")
    return Section("training", "Training", (drawn,) if drawn else (none,))


def failures(folder: Folder) -> Section:
    """Stages that failed, with their reasons."""
    failed = folder.run["failures"]
    if not failed:
        return Section("failures", "Failures", (Paragraph("No stage failed."),))
    rows = tuple((Cell(str(entry.get("stage", "?"))), Cell(str(entry.get("reason", "?")))) for entry in failed)
    warning = Paragraph(
        f"{count(len(rows), 'stage')} failed. Their cells are missing above; none was scored as unharmed.",
        "warning",
    )
    return Section("failures", "Failures", (warning, Table("What failed, and why.", ("Stage", "Reason"), rows)))


def reproduce(folder: Folder) -> Section:
    """The command, and what to compare."""
    words = (
        "The same command, in the folder where it was given first, with the same data and versions on the same kind "
        "of machine writes the same tables, byte for byte. Where results go is not part of it: with --out FOLDER, "
        "the folder that holds reports/ with this page, it goes on from what is there (run.json has the command as "
        "it was given). The second command writes this page again from predictions.parquet and generated.parquet, "
        "without torch."
    )
    blocks: list[Block] = [Listing(str(folder.run["command"])), Paragraph(words), Listing("robustgan report FOLDER")]
    return Section("reproduce", "How to reproduce", (*blocks, *_row_by_row(folder)))


def _row_by_row(folder: Folder) -> list[Block]:
    """The run's command with one attack alone, for each: it makes that attack's rows again and nothing else."""
    command = str(folder.run["command"])
    if not command.startswith("robustgan run "):
        return []
    name = shlex.quote(f"name={folder.config.get('name', 'run')}-row")
    rows = []
    for entry in folder.config.get("attacks", []):
        threat = entry.get("threat") or {}
        eps = float(threat.get("eps", "nan"))
        title = f"{lookup.shown(label_of(entry))} {lookup.budget(str(threat.get('norm')), eps)}".rstrip()
        alone = shlex.quote(f"attacks={json.dumps([entry])}")
        rows.append((Cell(title), Cell(f"{command} --set {name} --set {alone}")))
    words = (
        "Any row of predictions.parquet again: the command of its attack; for one fold or seed alone add --set "
        "split.folds=[FOLD] and --set seeds=[SEED], then look up its image_id. Classifiers that are still under "
        "runs/ of that --out are used as they are."
    )
    return [Paragraph(words), Table("One command an attack", ("Attack", "Command"), tuple(rows), folded=True)]


def definitions() -> Section:
    """What each metric is."""
    names = {
        **metrics.METRIC_NAMES,
        **{f"{name} (generated)": text for name, text in metrics.FOOLING_NAMES.items()},
    }
    terms = tuple((name.replace("_", " "), meaning) for name, meaning in names.items())
    notes = (
        "Values are fractions in metrics.csv and percentages here; a drop is clean minus attacked, in "
        "percentage points. n/a is undefined (nothing in the denominator) or not to be read (the reason "
        "stands beside it); it is never zero."
    )
    return Section("metrics", "Metrics", (Paragraph(notes), Terms(terms)))


def limits(folder: Folder) -> Section:
    """What these numbers do not say, written from the numbers."""
    judged = folder.predictions.drop_duplicates("image_id")
    patients = {label: judged[judged["label"] == label]["group"].nunique() for label in (0, 1)}
    few = [
        f"{n} patients with {side} images"
        for side, n in (("benign", patients[0]), ("malignant", patients[1]))
        if n < FEW
    ]
    units = (count(judged["group"].nunique(), "test patient"), count(len(judged), "image"))
    sizes = f"Intervals rest on {units[0]}, not on {units[1]}."
    budgets = [c for model in folder.models for c in lookup.cases(folder, model) if c.rival]
    kinds = listed(list(dict.fromkeys(case.name for case in budgets))) or "none"
    items = [
        sizes + (f" There are only {listed(few)}: read the ends of the intervals, not the middles." if few else ""),
        "One threshold was used before and after the attack; another operating point has other drops.",
        f"Only these attacks were tried: {kinds}. A stronger one can only lower what is left; no "
        "robustness is certified.",
        *_generated_limits(folder),
        "Not a medical device clearance; no claim of compliance with any norm or law is made.",
    ]
    if folder.config.get("dataset", {}).get("kind") == "synthetic":
        items.insert(
            0,
            "The images are simulated. These numbers show that the method works, not how a classifier of "
            "real tissue does.",
        )
    return Section("limits", "Limits", (Items(tuple(items)),))


def _generated_limits(folder: Folder) -> list[str]:
    if folder.generated.empty:
        return []
    return ["No pathologist rated the generated images: their labels are what oracle classifiers say."]


def citations(folder: Folder) -> Section:
    """Data and methods."""
    data = str(folder.run["citation"])
    blocks: list[Block] = [Items((*([f"Data: {data}"] if data else []), *CITATIONS))]
    return Section("citations", "Citations", tuple(blocks))
