"""A report folder in, a report out: `report.md`, `report.html`, CSV, LaTeX tables and figures. No torch."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from robustgan import tables
from robustgan.report import latex, markdown, page
from robustgan.report.document import Document
from robustgan.report.figures.style import look
from robustgan.report.folder import Folder, read
from robustgan.report.sections import (
    answer,
    closing,
    controls,
    crosswalks,
    data,
    drops,
    flips,
    gallery,
    generated,
    generators,
    operating,
    performance,
    scope,
    spread,
    stability,
    strata,
    strength,
    survival,
    transfer,
    untested,
    verdict,
)


def render(folder: Path) -> None:
    """Write the report into the folder that holds its evidence; the same evidence gives the same bytes.

    Raises:
        InputError: a file of the folder is missing, or is not what it should be.
    """
    found = read(folder)
    for old in [*(folder / "figures").glob("*.png"), *(folder / "tables").glob("*.tex")]:
        old.unlink()
    with look():
        document = compose(found)
    tables.write(found.metrics, tables.METRICS, folder / "metrics.csv")
    tables.write(found.fooling, tables.FOOLING, folder / "fooling.csv")
    tables.write(found.calibration, tables.CALIBRATION, folder / "calibration.csv")
    if len(found.strength):
        tables.write(found.strength, tables.STRENGTH, folder / "strength.csv")
    latex.write(document, found, folder / "tables")
    (folder / "report.md").write_text(markdown.text(document), "utf-8", newline="\n")
    (folder / "report.html").write_text(page.text(document, folder), "utf-8", newline="\n")


def compose(found: Folder) -> Document:
    """The whole report, from what people must know first to what they look up."""
    sections = (
        verdict.section(found, [asdict(row) for row in found.verdict.rows] if found.verdict else ()),
        answer.section(found),
        scope.section(found),
        performance.section(found),
        drops.section(found),
        spread.section(found),
        flips.directions(found),
        controls.section(found),
        strength.section(found),
        survival.section(found),
        operating.section(found),
        flips.worst(found),
        *generators.sections(found),
        *transfer.sections(found),
        strata.patients(found),
        strata.subtypes(found),
        gallery.section(found),
        *stability.sections(found),
        generated.section(found),
        scope.threats(found),
        data.section(found),
        closing.training(found),
        closing.failures(found),
        closing.reproduce(found),
        closing.definitions(),
        closing.limits(found),
        untested.section(found),
        closing.citations(found),
    )
    name = str(found.config.get("name") or found.path.name)
    listed = crosswalks.section(found, sections)
    return Document(found.title, f"Robustness report, configuration {name}", (*sections[:-1], listed, sections[-1]))
