"""What was not tested: read off the run, so that silence is not taken for a good result."""

from __future__ import annotations

from collections.abc import Iterator

from robustgan.report import cases as lookup
from robustgan.report.crosswalk import EVIDENCE
from robustgan.report.document import Items, Paragraph, Section
from robustgan.report.folder import Folder
from robustgan.report.techniques import technique
from robustgan.report.words import count, listed

INTRO = "Nothing is known from this run about what stands here. None of it counts in favour of the classifier."
NORMS = {"linf": "Linf", "l2": "L2"}
BEYOND = ("L1", "L0 (few pixels)", "patches", "rotation and shift", "changes of stain and colour")
ACCESS = {
    "gradients": "attackers who have the weights",
    "its answers, image by image": "attackers who only see answers (gradient-free attacks)",
}
ALWAYS = (
    "In the world: printing, another scanner, a camera, another stain or section were not tried; attacks act on the "
    "image after resizing, in memory.",
    "Sites: one data set with its own scanner and stain; others were not tested.",
    "Other threats: poisoned training data, backdoors, stolen models and leaked patients' data were not tested.",
    "Defences: whether an attack adapted to this classifier's own defences would do more takes a person to try.",
    "Readers: no pathologist looked at the attacked images.",
)
MISSING = {  # keys of EVIDENCE, with what is unknown without it
    "strength": "Strength: no strength checks were run, so nobody knows whether stronger attacks would do more.",
    "noise": "Control: no noise of the same size was tried, so attacks cannot be told from any disturbance.",
    "transfer": "Transfer: images made on another classifier were not tried.",
    "survival": "Saving: whether attacked images outlive PNG and JPEG files was not measured.",
    "calibration": "Calibration: it was not measured, clean or attacked.",
    "operating": "Operating point: none was chosen; at another threshold the numbers differ.",
    "policy": "Limits: no policy says which number would be good enough.",
}


def section(folder: Folder) -> Section:
    """One sentence each."""
    return Section("untested", "What was not tested", (Paragraph(INTRO), Items((*_items(folder), *ALWAYS))))


def _items(folder: Folder) -> Iterator[str]:
    entries = folder.config.get("attacks", [])
    tried = {str((entry.get("threat") or {}).get("norm")) for entry in entries}
    yield f"Changes bounded in other ways: {listed([*(NORMS[n] for n in NORMS if n not in tried), *BEYOND])}."
    yield from _budgets(folder)
    access = {technique(entry).access for entry in entries}
    lacking = [who for way, who in ACCESS.items() if not any(way in used for used in access)]
    if lacking:
        yield f"Access: {listed(lacking)} were not tried."
    if folder.config.get("attack_precision", "fp32") != "fp32":
        yield "Exact gradients: those of the attacks were computed in bfloat16; exact ones may find more."
    if len(folder.config.get("seeds", [])) < 2:
        yield "Luck: every attack ran with one seed; another may find more."
    yield from (text for key, text in MISSING.items() if not EVIDENCE[key](folder))
    idle = folder.strength[folder.strength["status"] == "not run"]
    for model, names in idle.groupby("model", sort=False)["check"]:
        yield f"Strength checks that were not run on {model}: {listed([str(name) for name in names])}."
    if failed := folder.run["failures"]:
        yield f"{count(len(failed), 'stage')} of the run failed; what they would have shown is missing."


def _budgets(folder: Folder) -> Iterator[str]:
    """The largest budget of each norm: above it nothing was tried."""
    largest: dict[str, float] = {}
    for case in (case for model in folder.judged for case in lookup.cases(folder, model) if case.rival):
        if case.eps == case.eps:
            largest[case.norm] = max(case.eps, largest.get(case.norm, 0.0))
    if largest:
        sizes = [lookup.budget(norm, eps) for norm, eps in largest.items()]
        yield f"Larger budgets: nothing above {listed(sizes)} was tried outside the strength checks."
