"""Checks on how a classifier answers and on its gradients, from the facts that the probes left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from robustgan.strength import limits
from robustgan.strength.rows import Row, counted, not_run

COUNTS = (
    *("images", "right", "not_finite", "vanished", "certain", "gradient_calls", "asked_twice", "repeat_flips"),
    *("company_flips", "drift", "gradients", "zero_gradients", "not_finite_gradients", "tiny_gradients"),
    *("lines", "disagreeing"),
)

Facts = Mapping[str, Any]


def pooled(folds: Mapping[str, Facts]) -> dict[str, Any]:
    """The facts of all folds of a classifier: counts are added, of the rest the worst is kept."""
    found: dict[str, Any] = {}
    for facts in folds.values():
        for name in COUNTS:
            if name in facts:
                found[name] = found.get(name, 0) + facts[name]
        for name in ("repeat_change", "company_change"):
            if name in facts:
                found[name] = max(found.get(name, 0.0), facts[name])
        if facts.get("agreement") is not None:
            found["agreement"] = min(found.get("agreement", math.inf), facts["agreement"])
        if "gradient_error" in facts:
            found["gradient_error"] = facts["gradient_error"]
        found["access"] = facts.get("access", "white-box")
        found.setdefault("outputs", set()).add(facts.get("outputs", "unknown"))
    return found


def form(facts: Facts) -> Row:
    """Outputs are finite logits, made without an optimisation inside."""
    check, expected = "outputs", "finite logits, computed without taking gradients"
    if "images" not in facts:
        return not_run(check, "the classifier was not asked", expected)
    shapes, n = facts["outputs"], facts["images"]
    if facts["not_finite"]:
        return Row(check, "fail", f"outputs for {facts['not_finite']} of {n} images are not finite", expected, images=n)
    if facts["gradient_calls"]:
        return Row(check, "fail", "it takes gradients itself while it answers", expected, images=n)
    if "one-hot" in shapes:
        return Row(check, "fail", "outputs are one-hot: a label without a margin to climb", expected, images=n)
    if "probabilities" in shapes:
        found = "outputs are probabilities, not logits: their gradients vanish where it is sure"
        return Row(check, "warn", found, expected, images=n)
    return Row(check, "pass", "outputs are finite logits", expected, images=n)


def saturation(facts: Facts) -> Row:
    """The scale of the logits leaves cross-entropy a gradient."""
    check, expected = "saturation", "probabilities are not exactly 0 or 1 in float32"
    if "images" not in facts:
        return not_run(check, "the classifier was not asked", expected)
    n, gone, certain = facts["images"], facts["vanished"], facts["certain"]
    found = f"a probability is exactly 0 for {gone} of {n} images, exactly 1 for {certain}"
    row = counted(check, gone, n, limits.VANISHED, found, expected)
    if row.status == "fail":
        return row._replace(found=f"{found}: the logits are so large that cross-entropy has no gradient")
    return row._replace(status="warn") if row.status == "pass" and certain > limits.CERTAIN * n else row


def determinism(facts: Facts) -> Iterator[Row]:
    """The same image gets the same answer: again, in other company, and after the attacks."""
    for check, key, expected, bounds in (
        ("determinism", "repeat", "the same images get the same answers again", "REPEAT"),
        ("company", "company", "an image's answer does not depend on the images beside it", "COMPANY"),
    ):
        if f"{key}_change" not in facts:
            yield not_run(check, "the classifier was not asked twice", expected)
            continue
        value, flipped, n = facts[f"{key}_change"], facts[f"{key}_flips"], facts["asked_twice"]
        fail, warn = getattr(limits, f"{bounds}_FAIL"), getattr(limits, f"{bounds}_WARN")
        found = f"answers change by up to {value:.2g} of their size; {flipped} labels change"
        yield Row(check, _beyond(value, warn, fail), found, expected, value, fail, n)
    if "drift" in facts:
        found = f"{facts['drift']} labels differ after the attacks from before"
        yield Row(
            "memory", _beyond(facts["drift"], 0, 0), found, "attacks leave no trace", facts["drift"], 0, facts["images"]
        )
    else:
        yield not_run("memory", "nothing was asked after the attacks", "attacks leave no trace")


def _beyond(value: float, warn: float, fail: float) -> Any:
    return "fail" if value > fail else "warn" if value > warn else "pass"


def gradients(facts: Facts) -> Iterator[Row]:
    """Gradients are there, and they say how the answers change."""
    lives, agrees = "gradients are finite and not zero", "slopes along a line add up to the difference of its ends"
    if "gradients" not in facts:
        why = "the classifier gives no gradients" if facts.get("access") == "query" else "no image is right"
        yield not_run("zero gradients", why, lives)
        yield not_run("gradient agreement", why, agrees)
        return
    n = facts["gradients"]
    if "gradient_error" in facts:
        found = f"no gradient can be taken ({facts['gradient_error']}): gradient attacks are blind"
        yield Row("zero gradients", "fail", found, lives, n, 0, n)
        yield not_run("gradient agreement", "no gradient can be taken", agrees)
        return
    kinds = {"zero": "zero_gradients", "not finite": "not_finite_gradients", "tiny": "tiny_gradients"}
    bad = {name: facts[key] for name, key in kinds.items()}
    found = f"of {n} gradients {', '.join(f'{count} are {name}' for name, count in bad.items())}"
    yield counted("zero gradients", sum(bad.values()), n, limits.FLAT, found, lives)
    yield agreement(facts, agrees)


def agreement(facts: Facts, expected: str) -> Row:
    """Slopes and differences along the same lines."""
    check, n = "gradient agreement", facts.get("lines", 0)
    if not n:
        return not_run(check, "no answer changes along any line, or no image is right", expected)
    count, median = facts["disagreeing"], facts["agreement"]
    found = f"they disagree for {count} of {n} images (median cosine {median:.2f})"
    row = counted(check, count, n, limits.DISAGREE, found, expected)
    if row.status == "fail":
        return row._replace(found=f"{found}: the gradients do not say how the answers change")
    return row._replace(status="warn") if row.status == "pass" and median < limits.AGREEMENT else row
