"""Mitigations that MITRE ATLAS lists against the techniques that attacks use: ids and names, no advice.

Source: MITRE ATLAS 5.6.0 (5 May 2026), `techniques` of each mitigation. Ids get renamed: the version stands beside
them wherever they are printed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

_PROXY, _REPLICA, _API = "AML.T0005.000", "AML.T0005.001", "AML.T0040"
_CRAFT, _WHITE, _BLACK, _MOVED = "AML.T0043", "AML.T0043.000", "AML.T0043.001", "AML.T0043.002"
_ACCESS = "AML.T0044"
_ALL_CRAFT = (_CRAFT, _WHITE, _BLACK, _MOVED)


class Mitigation(NamedTuple):
    """What stands in the catalogue."""

    id: str
    name: str
    against: tuple[str, ...]  # of the techniques in `techniques.NAMES`


CATALOGUE = (
    Mitigation("AML.M0000", "Limit Public Release of Information", (_PROXY,)),
    Mitigation("AML.M0001", "Limit Model Artifact Release", (_PROXY,)),
    Mitigation("AML.M0002", "Passive AI Output Obfuscation", (_REPLICA, _CRAFT, _BLACK)),
    Mitigation("AML.M0003", "Model Hardening", _ALL_CRAFT),
    Mitigation("AML.M0004", "Restrict Number of AI Model Queries", (_REPLICA, _CRAFT, _BLACK)),
    Mitigation("AML.M0005", "Control Access to AI Models and Data at Rest", (_WHITE, _ACCESS)),
    Mitigation("AML.M0006", "Use Ensemble Methods", _ALL_CRAFT),
    Mitigation("AML.M0008", "Validate AI Model", (_CRAFT,)),
    Mitigation("AML.M0010", "Input Restoration", _ALL_CRAFT),
    Mitigation("AML.M0015", "Adversarial Input Detection", _ALL_CRAFT),
    Mitigation("AML.M0017", "AI Model Distribution Methods", (_WHITE, _ACCESS)),
    Mitigation("AML.M0019", "Control Access to AI Models and Data in Production", (_API, _CRAFT, _BLACK)),
    Mitigation("AML.M0024", "AI Telemetry Logging", (_REPLICA, _API)),
)


def listed(used: Collection[str]) -> tuple[Mitigation, ...]:
    """The mitigations against any of these techniques, each with those of them that it is listed against."""
    found = (one._replace(against=tuple(key for key in one.against if key in used)) for one in CATALOGUE)
    return tuple(one for one in found if one.against)
