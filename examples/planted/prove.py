"""Audit three classifiers whose robustness is known, and show that the policy's verdict tells them apart.

    python examples/planted/prove.py out

Writes the images, runs `robustgan audit` on each, and exits with 1 where a verdict is not what is known to be true.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from robustgan.shipped import policy_path

HERE = Path(__file__).parent
WANTED = {  # exit codes of `robustgan audit --policy`: 0 pass, 1 fail, 4 indeterminate
    "sound": (0,),
    "fragile": (1,),
    "masked": (1, 4),  # never a pass, however little the gradient attacks find
}


def audit(name: str, out: Path) -> int:
    """Audit one classifier, and return the exit code."""
    command = [
        *(sys.executable, "-m", "robustgan", "audit", "--model", f"{HERE / 'models.py'}:{name}", "--run-code"),
        *("--data", str(out / "planted"), "--columns", "magnification=magnification", "--size", "32"),
        *("--quick", "--policy", str(out / "policy.yaml"), "--name", name, "--out", str(out)),
    ]
    return subprocess.run(command, check=False).returncode


def declare(out: Path) -> None:
    """Write the release policy, with what we answer for: these models were made by hand and saw no image at all."""
    text, known = policy_path("release").read_text("utf-8"), "    kind: leak_free\n"
    (out / "policy.yaml").write_text(text.replace(known, f"{known}    trained_elsewhere: accept\n"), "utf-8")


def main() -> None:
    """Write the images, audit, compare."""
    out = Path(sys.argv[1])
    subprocess.run([sys.executable, HERE / "tissue.py", out / "planted"], check=True)
    declare(out)
    found = {name: audit(name, out) for name in WANTED}
    for name, code in found.items():
        print(f"{name}: exit code {code}, expected {' or '.join(map(str, WANTED[name]))}")
    sys.exit(any(code not in WANTED[name] for name, code in found.items()))


if __name__ == "__main__":
    main()
