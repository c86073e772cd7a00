"""What each kind of gate has to do with, in MITRE ATLAS. Its ids get renamed, so the version stands beside them.

Source: MITRE ATLAS 5.6.0 (5 May 2026).
"""

from __future__ import annotations

VERSION = "5.6.0"

_EVASION = ("AML.T0015", "AML.T0043")  # Evade AI Model; Craft Adversarial Data
_HARM = ("AML.T0048.003",)  # External Harms: User Harm
_VALIDATION = ("AML.M0008",)  # Validate AI Model
_PROVENANCE = ("AML.M0025",)  # Maintain AI Dataset Provenance
_VERIFICATION = ("AML.T0042",)  # Verify Attack
_EROSION = ("AML.T0031",)  # Erode AI Model Integrity

_KINDS = {
    "leak_free": (*_PROVENANCE, *_VALIDATION),
    "strength": _VERIFICATION,
    "required_attacks": _VERIFICATION,
    "missed_cancers": (*_EVASION, *_HARM),
    "sensitivity_drop": (*_EVASION, *_EROSION, *_HARM),
    "no_regression": (*_VALIDATION, *_EROSION),
}


def techniques(kind: str, robustness: bool) -> tuple[str, ...]:
    """Ids of the techniques and mitigations that a kind of gate is about."""
    return _KINDS.get(kind, (*_EVASION, *_EROSION) if robustness else _VALIDATION)
