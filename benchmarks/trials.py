"""What else was tried: an attack with other settings, measured on the patients of validation.

    python benchmarks/trials.py benchmarks/advgan_idc.yaml advgan --try "epochs=12 batch=16" --try "epochs=12" --data ..

Each trial trains the attack's generator with the suite's settings but for those that it names, on all training
patients, and measures what patients.py does: an AdvGAN's success, a DCGAN's distances and oracle accuracy. Test
patients are never touched. It writes reports/benchmarks/trials-<suite>-<attack>.csv; a trial that is there already is
replaced, the others stay. Of an attack at several budgets it is the first in the suite.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import reduce
from pathlib import Path

import pandas as pd

from benchmarks.patients import FOLDER, asked, inputs, measured
from robustgan import config
from robustgan.stage import Place, Stage
from robustgan.work import Work

COLUMNS = ["tried", "measure", "what", "value"]


def trial(stage: Stage, place: Place, tried: str) -> pd.DataFrame:
    """Train with the settings that `tried` names, separated by blanks; one row a thing measured."""
    settings = reduce(config.override, tried.split(), stage.settings["attack"])
    start = time.monotonic()

    def tick(done: int, total: int, text: str) -> None:
        print(f"\r{tried}: {done:,} of {total:,} after {time.monotonic() - start:.0f} s, {text}", end="", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        given = {**stage.settings, "attack": settings}
        work = Work(given, inputs(stage, place), Path(folder), place.data, tick)
        rows = pd.DataFrame([*measured(work, 1.0)])
    print()
    return rows.assign(tried=tried)[COLUMNS]


def kept(path: Path, found: pd.DataFrame) -> pd.DataFrame:
    """The table of before without the trial that was made again, and what was found now."""
    before = pd.read_csv(path) if path.exists() else found[:0]
    return pd.concat([part for part in (before[~before["tried"].isin(found["tried"])], found) if len(part)])


def main() -> None:
    """Read the command line; train, measure and write after each trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--try", action="append", required=True, metavar="KEY=VALUE ...", dest="tried", help="settings of one trial"
    )
    wanted, plan, place, stage = asked(parser)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"trials-{plan.name}-{wanted.attack}.csv"
    for tried in wanted.tried:
        table = kept(path, trial(stage, place, tried))
        table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
        print(table[table["tried"] == tried].to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
