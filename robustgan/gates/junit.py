"""The verdict as JUnit XML, which every CI system shows: a test case for each row.

A failing gate is a failure. One that is incomplete or indeterminate is an error, never `skipped`: CI systems show
skipped tests in green.
"""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

from robustgan.gates.rows import Row, Status
from robustgan.gates.verdict import Verdict
from robustgan.gates.wording import legible

ELEMENTS: dict[Status, str] = {"fail": "failure", "incomplete": "error", "indeterminate": "error"}


def text(verdict: Verdict) -> str:
    """The XML document; the same verdict gives the same bytes."""
    found = Counter(ELEMENTS.get(row.status, "") for row in verdict.rows)
    totals = {
        "name": f"robustgan policy {verdict.policy.name}",
        "tests": str(len(verdict.rows)),
        "failures": str(found["failure"]),
        "errors": str(found["error"]),
    }
    root = ElementTree.Element("testsuites", totals)
    suite = ElementTree.SubElement(root, "testsuite", {**totals, "skipped": "0"})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {
        "verdict": verdict.status,
        "run": verdict.run["name"],
        "command": verdict.run["command"],
    }.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": legible(str(value))})
    for row in verdict.rows:
        _case(suite, row)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _case(suite: ElementTree.Element, row: Row) -> None:
    where = legible(", ".join(filter(None, (row.model, row.scope))) or "run")
    case = ElementTree.SubElement(suite, "testcase", {"classname": f"robustgan.policy.{row.gate}", "name": where})
    said = legible(row.reason)
    if row.status in ELEMENTS:
        element = ElementTree.SubElement(case, ELEMENTS[row.status], {"type": row.status, "message": said})
        element.text = f"{row.status}: {said}\n{numbers(row)}"
    else:
        ElementTree.SubElement(case, "system-out").text = f"{said}\n{numbers(row)}"


def numbers(row: Row) -> str:
    """The numbers of a row, for people."""
    return (
        f"observed {row.observed:.6g}, interval {row.low:.6g} to {row.high:.6g}, limit {row.limit:.6g} "
        f"(deciding: {row.bound}), {row.images} images, {row.groups} patients"
    )
