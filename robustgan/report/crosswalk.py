"""Where this report speaks to the items of published checklists. In our words: read the checklists themselves.

An item is `reported` only where the run holds the evidence for it. What takes a person's judgement stays `manual`:
nothing here ticks it.

Sources: Carlini et al., On evaluating adversarial robustness, arXiv:1902.06705 (2019), section 3; Tejani et al.,
Checklist for artificial intelligence in medical imaging (CLAIM), Radiology: Artificial Intelligence 6 (2024) e240300;
Sounderajah et al., STARD-AI, Nature Medicine (2025); Collins et al., TRIPOD+AI, BMJ 385 (2024) e078378; Mitchell et
al., Model cards for model reporting, FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from robustgan.report import cases as lookup
from robustgan.report.folder import Folder
from robustgan.report.techniques import QUERY, technique

MANUAL = "manual"


class Item(NamedTuple):
    """One item of a checklist."""

    text: str
    where: str = MANUAL  # anchor of the section that speaks to it; MANUAL: a person must
    needs: str = ""  # what the run must hold, a key of EVIDENCE


def _probed(name: str) -> Callable[[Folder], bool]:
    return lambda folder: bool((folder.probes["probe"] == name).any())


EVIDENCE: dict[str, Callable[[Folder], bool]] = {
    "": lambda folder: True,
    "judged": lambda folder: not folder.predictions.empty,
    "attacked": lambda folder: any(case.rival for model in folder.judged for case in lookup.cases(folder, model)),
    "noise": lambda folder: any(case.control for model in folder.judged for case in lookup.cases(folder, model)),
    "transfer": lambda folder: any(lookup.transfers(folder, model) for model in folder.judged),
    "strength": lambda folder: not folder.strength.empty,
    "survival": lambda folder: not folder.survival.empty,
    "calibration": lambda folder: "brier" in set(folder.metrics["metric"]) or not folder.calibration.empty,
    "operating": lambda folder: any(folder.operating(model) for model in folder.judged),
    "policy": lambda folder: isinstance(folder.run.get("policy"), dict),
    "subtypes": lambda folder: bool((folder.predictions["subtype"] != "").any()),
    "leaks": lambda folder: not folder.leaks.empty,
    "gradient-free": lambda folder: any(technique(entry) == QUERY for entry in folder.config.get("attacks", [])),
    "budget": _probed("budget"),
    "iterations": _probed("iterations"),
    "restarts": _probed("restarts"),
    "several": lambda folder: any(
        len({case.name for case in lookup.cases(folder, model) if case.rival}) > 1 for model in folder.judged
    ),
}

CROSSWALKS: dict[str, tuple[Item, ...]] = {
    "Carlini et al. 2019, evaluating adversarial robustness": (
        Item("The attacker's goal, knowledge and capability are stated", "threats"),
        Item("The chosen distance and its sizes suit the use of the model"),
        Item("The attack was adapted to whatever defence the model has"),
        Item("Weights and code are there for others; digests of the weights are given", "scope"),
        Item("Performance without an attack stands beside performance under attack", "clean", "judged"),
        Item("Several attacks of different kinds, and the worst of them image by image", "worst", "several"),
        Item("All settings of all attacks are given", "threats"),
        Item("An iterative attack is no weaker than one step", "strength", "strength"),
        Item("More iterations change nothing", "strength", "iterations"),
        Item("More restarts change nothing", "strength", "restarts"),
        Item("Success grows with the budget and becomes complete", "strength", "budget"),
        Item("Random noise of the same size does less than the attack", "controls", "noise"),
        Item("At least one attack takes no gradients", "threats", "gradient-free"),
        Item(
            "Transfer from another model is tried, and is weaker than attacking the model itself",
            "transfer",
            "transfer",
        ),
        Item("Uncertainty is given with every rate", "drops", "attacked"),
        Item("Code that runs the evaluation with one command", "reproduce"),
        Item("The claim that is made from these numbers is no wider than they are"),
    ),
    "CLAIM 2024, artificial intelligence in medical imaging": (
        Item("Where the data come from, with their reference", "data"),
        Item("What was excluded, and why", "data"),
        Item("How images were prepared: size, cut, rounding", "scope"),
        Item("How data were divided, and at which level (patient)", "data"),
        Item("That no patient is on two sides of the split", "data", "leaks"),
        Item("How the reference label was obtained, and by whom"),
        Item("Architecture, parameters, training and the choice of the final model", "scope"),
        Item("Measures of performance with their uncertainty", "clean", "judged"),
        Item("Robustness or sensitivity analysis", "drops", "attacked"),
        Item("Performance in subgroups", "subtypes", "subtypes"),
        Item("Test on data of another site"),
        Item("Analysis of cases that failed", "gallery", "attacked"),
        Item("Intended use and clinical role of the model"),
        Item("Ethics approval, registration, funding, access to the data"),
    ),
    "STARD-AI 2025, diagnostic accuracy": (
        Item("Versions of model and software", "scope"),
        Item("Who was eligible, where and when they were seen"),
        Item("The index test in enough detail to be repeated", "scope"),
        Item("The threshold for a positive result, and how it was fixed before the test", "operating", "operating"),
        Item("The reference standard and why it was chosen"),
        Item("How the test set was made, apart from training", "data", "leaks"),
        Item("Numbers by class and subgroup", "data"),
        Item("Sensitivity and specificity with intervals that respect patients", "clean", "judged"),
        Item("Flow of participants, and results that were missing", "failures"),
        Item("Harm that could come of the test"),
        Item("Fairness across groups of people"),
    ),
    "TRIPOD+AI 2024, prediction models": (
        Item("Source of data and the dates of collection"),
        Item("Number of patients and events; why the sample is large enough"),
        Item("How missing and unreadable data were handled", "data"),
        Item("The model in full: architecture and digests of its weights", "scope"),
        Item("Discrimination with intervals", "clean", "judged"),
        Item("Calibration, in numbers and as a curve", "operating", "calibration"),
        Item("Heterogeneity between groups of patients", "spread", "attacked"),
        Item("Fairness: methods and results"),
        Item("Limits of the study", "limits"),
        Item("How the model would be used in care, and by whom"),
        Item("Code and command to repeat the analysis", "reproduce"),
        Item("Involvement of patients and the public"),
    ),
    "Model card (Mitchell et al. 2019)": (
        Item("Model details: name, architecture, weights", "scope"),
        Item("Intended use, and uses out of scope"),
        Item("Factors: magnification and subtype", "subtypes", "subtypes"),
        Item("Metrics, thresholds and how uncertainty is estimated", "metrics"),
        Item("Evaluation data", "data"),
        Item("Training data: what they hold and who chose them"),
        Item("Results for each factor", "drops", "attacked"),
        Item("Limits against a policy that somebody answers for", "verdict", "policy"),
        Item("Ethical considerations"),
        Item("Caveats: what was not tested", "untested"),
        Item("Recommendations to users"),
    ),
}
