"""The verdict as JUnit XML."""

from xml.etree import ElementTree

from robustgan.gates import Run, junit
from tests.gates import cases


def test_counts_and_elements() -> None:
    root = ElementTree.fromstring(junit.text(cases.of_rows(cases.rows(10))))
    (suite,) = root.findall("testsuite")
    for element in (root, suite):
        assert (element.get("tests"), element.get("failures"), element.get("errors")) == ("10", "3", "4")
    found = suite.findall("testcase")
    assert len(found) == 10
    assert sum(case.find("failure") is not None for case in found) == 3
    assert {e.get("type") for case in found for e in case.findall("error")} == {"incomplete", "indeterminate"}
    assert suite.find("skipped") is None
    assert "limit 0.85 (deciding: low), 48 images, 24 patients" in found[1].find("failure").text


def test_a_gate_is_a_class(robust: Run) -> None:
    root = ElementTree.fromstring(junit.text(cases.verdict(robust, kind="patients", limit=3)))
    assert [case.get("classname") for case in root.iter("testcase")] == [
        "robustgan.policy.complete",
        "robustgan.policy.it",
    ]
    assert {p.get("name"): p.get("value") for p in root.iter("property")}["verdict"] == "pass"


def test_hostile_words_stay_words() -> None:
    rows = cases.rows(4, model=cases.HOSTILE, reason=cases.HOSTILE)
    root = ElementTree.fromstring(junit.text(cases.of_rows(rows)))
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "system-out"
    }  # fmt: skip
    message = root.find(".//failure").get("message")
    assert message == '<script>alert("x")</script>|`_*[a](b) ]]>&@team\\u0000\\u001b\\u202e'


def test_the_same_bytes() -> None:
    assert junit.text(cases.of_rows(cases.rows())) == junit.text(cases.of_rows(cases.rows()))
