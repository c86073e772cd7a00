"""Audit three classifiers whose robustness is known, and show that the policy's verdict tells them apart.

    python examples/planted/prove.py out

Writes the images, runs `robustgan audit` on each, and exits with 1 where a verdict is not what is known to be true, or
where the masked classifier is not passed for another reason than that strength checks failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from robustgan.shipped import policy_path

HERE = Path(__file__).parent
ROBUSTGAN = (sys.executable, "-m", "robustgan")
WANTED = {  # exit codes of `robustgan audit --policy`: 0 pass, 1 fail, 4 indeterminate
    "sound": 0,
    "fragile": 1,
    "masked": 4,  # no attack of the run finds anything, so every gate would pass; only strength checks say why not
}
CHECK = "zero gradients (fail)"  # what the verdict on `masked` has to name


def audit(name: str, out: Path) -> int:
    """Audit one classifier, and return the exit code."""
    command = [
        *(*ROBUSTGAN, "audit", "--model", f"{HERE / 'models.py'}:{name}", "--run-code"),
        *("--data", str(out / "planted"), "--columns", "magnification=magnification", "--size", "32"),
        *("--quick", "--policy", str(out / "policy.yaml"), "--name", name, "--out", str(out)),
    ]
    return subprocess.run(command, check=False).returncode


def declare(out: Path) -> None:
    """Write the release policy, with what we answer for: these models were made by hand and saw no image at all."""
    text, known = policy_path("release").read_text("utf-8"), "    kind: leak_free\n"
    (out / "policy.yaml").write_text(text.replace(known, f"{known}    trained_elsewhere: accept\n"), "utf-8")


def unshown(name: str, out: Path) -> list[str]:
    """What is wrong with the verdict on a classifier that only strength checks may stop."""
    command = [*ROBUSTGAN, "gate", str(out / "reports" / name), "--policy", str(out / "policy.yaml"), "--json"]
    rows = json.loads(subprocess.run(command, check=False, capture_output=True, text=True).stdout)["rows"]
    judged = [row for row in rows if row["robustness"]]
    faults = [f"`{row['gate']}` says {row['status']}" for row in rows if row["status"] in ("fail", "incomplete")]
    faults += [
        f"`{row['gate']}`, {row['scope']}, does not name {CHECK}: {row['reason']}"
        for row in [*judged, *(row for row in rows if row["kind"] == "strength")]
        if CHECK not in row["reason"]
    ]
    shown = [row for row in judged if "so this is not shown" in row["reason"]]  # passes, but for the strength checks
    return [*faults, *([] if shown and shown == judged else ["a gate on robustness does not pass by its number alone"])]


def main() -> None:
    """Write the images, audit, compare."""
    out = Path(sys.argv[1])
    subprocess.run([sys.executable, HERE / "tissue.py", out / "planted"], check=True)
    declare(out)
    found = {name: audit(name, out) for name in WANTED}
    for name, code in found.items():
        print(f"{name}: exit code {code}, expected {WANTED[name]}")
    faults = unshown("masked", out)
    print("masked:", "; ".join(faults) or f"every gate on robustness would pass, and none does: {CHECK}")
    sys.exit(found != WANTED or bool(faults))


if __name__ == "__main__":
    main()
