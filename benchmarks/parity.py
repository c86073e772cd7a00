"""robustgan's attacks beside those of other libraries, on the same model and images: who leaves how many standing?

    uv pip install --group parity -e . ; python -m benchmarks.parity --original PLACE/auto-attack

The networks are small, nearly linear ones that tell 2, 4 and 8 planted patterns apart (`planted.py`), and two that tell
eight diagnoses of simulated tissue apart (`subtypes.py`): one undefended, one adversarially trained. Every library is
told the same norm, eps, steps and queries, attacks the same 100 images, and is judged here and alike, on its float
images: an image counts as robust if the network is right on it and on what the library made of it; one that left the
budget is refused.

- `difference` is a library's robust accuracy minus robustgan's for the same attack, in points: above 0 it overstates
  robustness. `as_8_bit` is robust accuracy after rounding inside the budget.
- `robustgan` lets an image go at the first float that fools, to be compared with the others as they count; rounding
  undoes some of these. `robustgan, as 8 bits` goes on until the rounded image fools: that is how a run attacks, and
  its `as_8_bit` is what to hold against theirs.
- `forwards` and `backwards` are means an image, other libraries' checks included; `seconds` are those of one core.
- A library that is not installed, or that fails, is a row with a note.
- `ensemble` of the published AutoAttack has as many targets as there are other classes, and no targeted APGD with fewer
  than four; `ensemble as shipped` is its standard version, untouched.

It writes reports/benchmarks/parity.csv, case by case: about forty minutes on one core.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks.rivals import Rival, Terms, rivals
from benchmarks.victims import CASES, Case
from robustgan.counting import Counted
from robustgan.quantise import to_8_bit, to_float

OUTSIDE = 1e-5  # relative: what a library may be out of budget by rounding
COLUMNS = (
    "network", "attack", "library", "norm", "eps", "classes", "images", "robust_accuracy", "difference", "as_8_bit",
    "seconds", "forwards", "backwards", "note",
)  # fmt: skip
KEYS = ("network", "classes", "norm")  # that name a case
Row = dict[str, Any]


def measured(rival: Rival, terms: Terms, model: nn.Module, x: Tensor, y: Tensor) -> Row:
    """Run one attack and judge it; what goes wrong is the note."""
    victim = Counted(model, gradients=True, images=len(y)).eval()
    row: Row = {
        "attack": rival.attack, "library": rival.library, "norm": terms.threat.norm, "eps": round(terms.threat.eps, 6),
        "classes": terms.classes, "images": len(y),
    }  # fmt: skip
    torch.manual_seed(0)
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x_adv = rival.run(victim, x, y)
    except ImportError as error:
        return {**row, "note": f"not installed: {error}"}
    except Exception as error:  # another library's failure is a finding, not ours to handle
        return {**row, "note": f"failed: {type(error).__name__}: {str(error).splitlines()[0]}"}
    seconds = time.process_time() - start
    cost = {"forwards": round(float(victim.forwards.mean()), 1), "backwards": round(float(victim.backwards.mean()), 1)}
    return {**row, **judged(terms, model, x, y, x_adv.detach()), "seconds": round(seconds, 2), **cost}


def judged(terms: Terms, model: nn.Module, x: Tensor, y: Tensor, x_adv: Tensor) -> Row:
    """Robust accuracy of what a library made, as floats and as 8 bits; what is out of the budget does not count."""
    threat = terms.threat
    outside = threat.distance(x, x_adv) > threat.eps * (1 + OUTSIDE)
    outside |= (x_adv < 0).flatten(1).any(1) | (x_adv > 1).flatten(1).any(1)
    x_adv = torch.where(outside.view(-1, 1, 1, 1), x, x_adv)
    eight = to_float(to_8_bit((x * 255).round().to(torch.uint8), threat.project(x, x_adv), threat))
    right = model(x).argmax(1) == y
    shares = [float((right & (model(seen).argmax(1) == y)).double().mean()) for seen in (x_adv, eight)]
    note = f"{int(outside.sum())} images out of budget" if outside.any() else ""
    return {"robust_accuracy": round(shares[0], 4), "as_8_bit": round(shares[1], 4), "note": note}


def table(case: Case, wanted: argparse.Namespace) -> pd.DataFrame:
    """The rows of one network and budget; each is printed as it comes."""
    model = case.build()
    x, y = case.images(wanted.images)
    terms = Terms(case.threat, case.classes, wanted.queries, wanted.original)
    rows: list[Row] = []
    for rival in rivals(terms):
        rows.append({"network": case.network, **measured(rival, terms, model, x, y)})
        print({name: value for name, value in rows[-1].items() if value != ""}, flush=True)
    return compared(pd.DataFrame(rows).reindex(columns=list(COLUMNS)))


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the difference to robustgan's, in points."""
    frame = frame.assign(same=frame["attack"].str.removesuffix(" as shipped"))
    keys = ["network", "same", "norm", "classes"]
    mine = frame[frame["library"] == "robustgan"].set_index(keys)["robust_accuracy"]
    base = frame[keys].join(mine, on=keys)["robust_accuracy"]
    frame["difference"] = ((frame["robust_accuracy"] - base) * 100).round(2)
    return frame.drop(columns="same")


def written(rows: pd.DataFrame, path: Path) -> None:
    """Put the rows of one network and budget into the table, in the place of those that it had."""
    old = pd.read_csv(path, keep_default_na=False) if path.exists() else rows[:0]
    keys = list(KEYS)
    order = {(case.network, case.classes, case.threat.norm): i for i, case in enumerate(CASES)}
    mine = set(rows[keys].itertuples(index=False, name=None))
    kept = old.loc[[key in order and key not in mine for key in old[keys].itertuples(index=False, name=None)]]
    found = pd.concat([kept.astype(object), rows.astype(object)], ignore_index=True)
    rank = pd.Series([order[key] for key in found[keys].itertuples(index=False, name=None)], dtype=int)
    found.loc[rank.argsort(kind="stable")].to_csv(path, index=False, lineterminator="\n")


def main() -> None:
    """Read the command line, measure, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("AUTOATTACK")
    parser.add_argument("--original", type=Path, default=default, help="checkout of fra31/auto-attack; or $AUTOATTACK")
    parser.add_argument("--images", type=int, default=100)
    names = list(dict.fromkeys(case.network for case in CASES))
    parser.add_argument("--network", choices=names, help="measure this one alone; rows of the others stay as they are")
    parser.add_argument("--queries", type=int, default=300, help="of Square, an image")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(__file__).parents[1] / "reports" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if wanted.network in (None, case.network):
            written(table(case, wanted), folder / "parity.csv")


if __name__ == "__main__":
    main()
