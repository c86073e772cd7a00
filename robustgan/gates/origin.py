"""Which classifiers of a run learned elsewhere: nobody here can know which patients they saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from robustgan.config import plugin_class
from robustgan.errors import InputError
from robustgan.gates.evidence import listed

if TYPE_CHECKING:
    from robustgan.interfaces import Model

ELSEWHERE = "was trained elsewhere"
STARTED = "starts from a weights file that was trained elsewhere"
CLAIM = "that it never saw these patients is a claim of whoever brought it, and nothing in this run can show it"


def elsewhere(config: dict[str, Any]) -> dict[str, str]:
    """Classifiers that are attacked and whose training this run cannot know, each with the reason in words.

    A kind that is not installed here counts as trained elsewhere: what is not known is not taken for good.
    """
    entries = {str(entry.get("name")): entry.get("model") for entry in listed(config, "models")}
    found = {name: _why(model if isinstance(model, dict) else {}) for name, model in entries.items()}
    return {name: why for name, why in found.items() if why}


def _why(model: dict[str, Any]) -> str:
    try:
        trains = cast("type[Model]", plugin_class("models", str(model.get("kind")))).trains
    except (InputError, ImportError):
        trains = False
    if not trains:
        return ELSEWHERE
    return STARTED if model.get("weights") else ""
