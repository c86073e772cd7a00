"""Is an attack stronger than chance? Noise at the same budget stands beside each."""

from __future__ import annotations

import math

from robustgan.report import cases as lookup
from robustgan.report.cases import POOLED, SUCCESS, Case, cell, rows_of
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder
from robustgan.report.sections import upset
from robustgan.report.words import absent, percent, points, rest, share_cell, value_cell

MARGIN = 0.10  # an attack must turn this much more than noise does, or it says nothing about robustness


def section(folder: Folder) -> Section:
    """Every attack beside noise, then what follows from it."""
    intro = (
        "Noise changes every channel of every pixel by the full budget in a random direction. An attack "
        "that turns fewer than 10 points more of the images than noise does is weak: that a classifier "
        "withstands it says nothing about robustness."
    )
    blocks: list[Block] = [Paragraph(intro)]
    for model in dict.fromkeys(folder.predictions["model"]):
        if POOLED in lookup.broken(folder, str(model)):
            text = f"{model} does not work without an attack, so there is nothing to compare with noise."
            blocks.append(Paragraph(text))
            continue
        found = lookup.cases(folder, str(model))
        lines = [_line(folder, case, found) for case in found if case.rival and case.eps == case.eps]
        columns = ("Attack", "Attack success, %", "Noise, %", "Difference, points", "Verdict")
        table = Table(f"{model}, pooled: % of the images right when clean that are turned.", columns, tuple(lines))
        blocks += [table, *_findings(folder, found)] if lines else []
    return Section("controls", "Control: is the attack stronger than noise?", tuple(blocks))


def success_of(folder: Folder, case: Case) -> float:
    """Pooled attack success rate of a case; NaN where there is none."""
    row = cell(rows_of(folder, case), SUCCESS)
    return math.nan if row is None else float(row["value"])


def noise_for(case: Case, found: list[Case]) -> Case | None:
    """The control with the norm, budget and seed of a case, or at least its norm and budget."""
    same = [c for c in found if c.control and c.norm == case.norm and abs(c.eps - case.eps) < 1e-9]
    return next((c for c in same if c.seed == case.seed), same[0] if same else None)


def _line(folder: Folder, case: Case, found: list[Case]) -> tuple[Cell, ...]:
    row = cell(rows_of(folder, case), SUCCESS)
    of = "" if row is None else rest(row)
    reached = absent() if row is None else share_cell(row["value"], row["low"], row["high"], of, str(row["note"]))
    control = noise_for(case, found)
    if control is None:
        return (Cell(case.title), reached, absent("no control at this budget"), absent(), Cell("no control"))
    chance = success_of(folder, control)
    gain = success_of(folder, case) - chance
    verdict = (
        "undefined" if gain != gain else "beats noise" if gain >= MARGIN else "weak: says nothing about robustness"
    )
    numbers = value_cell(chance, percent(chance), of), value_cell(gain, points(gain), of)  # of the same images
    return (Cell(case.title), reached, *numbers, Cell(verdict))


def weak(folder: Folder, found: list[Case]) -> list[Case]:
    """Attacks that do not beat noise at their own budget by the margin."""
    pairs = [(case, noise_for(case, found)) for case in found if case.rival]
    return [
        case for case, control in pairs if control and success_of(folder, case) - success_of(folder, control) < MARGIN
    ]


def _findings(folder: Folder, found: list[Case]) -> list[Block]:
    blocks: list[Block] = []
    names = ", ".join(case.title for case in weak(folder, found))
    if names:
        text = f"These attacks do not beat noise by 10 points and say nothing about robustness: {names}."
        blocks.append(Paragraph(text, "warning"))
    return [*blocks, *upset.blocks(folder, found)]
