"""How the attacks of a config differ in what they are set to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from robustgan.gates.evidence import label_of
from robustgan.report import cases as lookup
from robustgan.report.words import listed, plain

Entry = Mapping[str, Any]


def flat(settings: Entry, above: str = "") -> Iterator[tuple[str, str]]:
    """Settings by their whole names: `training.steps` and `search.steps` are two."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        elif key != "name":
            yield f"{above}{key}", plain(value) if isinstance(value, float) else str(value)


def changes(entries: Mapping[str, Entry]) -> dict[str, str]:
    """What each attack has otherwise than most of them."""
    own = {name: dict(flat(entry)) for name, entry in entries.items()}
    keys = dict.fromkeys(key for settings in own.values() for key in settings)
    common = {key: Counter(settings.get(key) for settings in own.values()).most_common(1)[0][0] for key in keys}
    different = {name: [f"{k}={v}" for k, v in settings.items() if v != common[k]] for name, settings in own.items()}
    return {name: ", ".join(some) or "nothing" for name, some in different.items()}


def mixed(attacks: Iterable[Entry], norm: str) -> list[str]:
    """Attacks of one name that are not set alike at all budgets: a line through their budgets joins several attacks."""
    named: dict[str, dict[tuple[tuple[str, str], ...], list[float]]] = {}
    for entry in attacks:
        threat = entry.get("threat") or {}
        if threat.get("norm") == norm and threat.get("eps") is not None:
            settings = tuple(pair for pair in flat(entry) if pair[0] != "threat.eps")
            named.setdefault(label_of(dict(entry)), {}).setdefault(settings, []).append(float(threat["eps"]))
    return [_told(name, ways) for name, ways in named.items() if len(ways) > 1]


def _told(name: str, ways: Mapping[tuple[tuple[str, str], ...], list[float]]) -> str:
    ways = dict(sorted(ways.items(), key=lambda way: min(way[1])))
    pairs = [dict(way) for way in ways]
    keys = [key for key in pairs[0] if len({settings.get(key) for settings in pairs}) > 1]
    parts = []
    for settings, eps in zip(pairs, ways.values(), strict=True):
        values = ", ".join(f"{key} {settings.get(key, 'not set')}" for key in keys)
        parts.append(f"{listed([lookup.grey_levels(value) for value in sorted(eps)])} ({values})")
    return f"{lookup.shown(name)} is not one attack at all budgets: {'; '.join(parts)}."
