"""How fast AdvGAN and the conditional DCGAN train, and how fast AdvGAN attacks, on this machine.

    python -m benchmarks.generators --size 48                      a compact DenseNet, as in the suites for the CPU
    python -m benchmarks.generators --size 224 --victim densenet121 --images 512 --batch 64    on a GPU

Training (images a second through generator, discriminator and, for AdvGAN, the classifier) stands beside (a) the same
loop written plainly in fp32, images on the host, the classifier as it is and gradients of its weights not switched off,
every loss read at every step; and (b) the sum of what the networks take alone, forward and backward, the classifier
prepared as robustgan prepares it. Attacking stands beside PGD-20 on the
same classifier, with the multiply-adds of both, and with what generators of these sizes achieve: success on validation
patients, after training on simulated tissue against a compact DenseNet (always at 48 pixels). All loops take turns,
round by round; the table has the median over the rounds and the median of the ratios within them. It writes
reports/benchmarks/generators-<size>-<device>.csv; `--quick` is fewer images, one round and no training for success.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import advgan_loops, dcgan_loops, tissue
from benchmarks.advgan_loops import THREAT, Bench
from benchmarks.wanted import folder, parser
from robustgan.attacks._validation import recognised, success
from robustgan.attacks.advgan import AdvGAN
from robustgan.attacks.pgd import PGD
from robustgan.freezing import frozen
from robustgan.interfaces import Samples, State
from robustgan.models.densenet import DenseNet
from robustgan.quantise import to_float
from robustgan.tensors import Images, Labels

SMALL = 16  # channels of the small generator (ngf)


def bench_of(wanted: argparse.Namespace) -> Bench:
    """A classifier with fresh weights and noise for images: only their shapes cost time."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = DenseNet(variant="compact") if wanted.victim == "compact" else DenseNet(variant=wanted.victim)
    victim = model.build().to(device, memory_format=torch.channels_last).eval()
    images = torch.randint(0, 256, (wanted.images, 3, wanted.size, wanted.size), dtype=torch.uint8)
    labels = torch.arange(wanted.images) % 2
    ids = [f"{i:064x}" for i in range(wanted.images)]
    rows = pd.DataFrame({"image_id": ids, "group": ids, "label": labels.numpy(), "magnification": 0})
    return Bench(victim, Samples(images.to(device), labels.to(device), rows), wanted.batch)


def attack(bench: Bench, kind: AdvGAN | PGD) -> Callable[[], None]:
    """All images attacked once."""
    network = kind.build().to(bench.device).eval()

    def once() -> None:
        with frozen(bench.victim):
            for start in range(0, len(bench.train), bench.batch):
                x = to_float(bench.train.images[start : start + bench.batch])
                state = State(network, torch.Generator(), tuple(range(len(x))))
                kind.perturb(bench.victim, x, bench.train.labels[start : start + bench.batch], state)

    return once


def multiply_adds(loop: Callable[[], object]) -> float:
    """Millions of multiply-adds of one call."""
    with FlopCounterMode(display=False) as counter:
        loop()
    return counter.get_total_flops() / 2e6


def costs(bench: Bench) -> list[float]:
    """Millions of multiply-adds an image of PGD-20, AdvGAN and the small AdvGAN.

    PGD-20 is 20 passes forward and backward to the image, and one forward (the counter cannot follow it itself).
    """
    x, y = to_float(bench.train.images[:1]), bench.train.labels[:1]
    with frozen(bench.victim):
        forward = multiply_adds(lambda: bench.victim(x))
        both = multiply_adds(lambda: bench.victim(x.clone().requires_grad_(True)).sum().backward())
    generators = [bench.recipe(width).build().to(bench.device).eval() for width in (48, SMALL)]
    return [20 * both + forward, *(multiply_adds(partial(generator, x, y)) for generator in generators)]


def seconds(loop: Callable[[], None], device: torch.device) -> float:
    """Wall time of one call; a GPU is waited for."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    loop()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def successes(device: torch.device) -> list[float]:
    """Success of PGD-20, AdvGAN and the small AdvGAN on validation patients of simulated tissue."""
    train, val = tissue.tissue(device)
    model = tissue.classifier(train, val)
    trained = [tissue.fooled(model, AdvGAN(threat=THREAT, width=width), train, val) for width in (48, SMALL)]
    pgd = PGD(threat=THREAT, steps=20)

    def propose(x: Images, y: Labels, ids: list[str]) -> Images:
        state = State(nn.Identity(), torch.Generator(), tuple(range(len(ids))))
        return pgd.perturb(model, x, y, state)

    with frozen(model):
        return [success(model, propose, recognised(model, val), THREAT).rate, *trained]


def table(bench: Bench, rounds: int, learned: bool) -> pd.DataFrame:
    """One row a loop: images a second, ratio to what it is compared with, multiply-adds and, if `learned`, success."""
    attacks = {
        "attack: PGD-20": attack(bench, PGD(threat=THREAT, steps=20)),
        "attack: AdvGAN": attack(bench, bench.recipe()),
        f"attack: AdvGAN, {SMALL} channels": attack(bench, bench.recipe(SMALL)),
    }
    loops = {
        f"train {name}: {what}": made(bench)
        for name, module in (("AdvGAN", advgan_loops), ("DCGAN", dcgan_loops))
        for what, made in (("robustgan", module.ours), ("plain loop", module.plainly), ("parts alone", module.alone))
    }
    loops |= attacks
    cost = dict(zip(attacks, costs(bench), strict=True))
    rate = dict(zip(attacks, successes(bench.device), strict=True)) if learned else {}
    for loop in loops.values():
        loop()  # warm
    taken = pd.DataFrame([{name: seconds(loop, bench.device) for name, loop in loops.items()} for _ in range(rounds)])
    first = {what: next(name for name in loops if name.startswith(what)) for what in ("train A", "train D", "attack:")}
    base = {name: first[name[:7]] for name in loops}
    rows = {
        name: {
            "images_per_second": round(len(bench.train) / taken[name].median(), 1),
            "times_as_fast_as": base[name],
            "ratio": round((taken[base[name]] / taken[name]).median(), 2),
            "multiply_adds_per_image_1e6": round(cost[name], 1) if name in cost else None,
            "success_on_simulated_tissue": round(rate[name], 3) if name in rate else None,
        }
        for name in loops
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("loop")


def main() -> None:
    """Measure, write the table, print it."""
    line = parser(__doc__)
    line.add_argument("--size", type=int, default=48, help="side of the images, pixels")
    line.add_argument("--victim", default="compact", help="compact, densenet121, ...")
    line.add_argument("--images", type=int, default=256)
    line.add_argument("--batch", type=int, default=32)
    line.add_argument("--rounds", type=int, default=5)
    wanted = line.parse_args()
    if wanted.quick:
        wanted.images, wanted.rounds = 64, 1
    if wanted.images % wanted.batch:
        line.error(
            f"--images: found {wanted.images}, which is no multiple of --batch {wanted.batch}; the loops would show "
            f"different numbers of images. Allowed are {wanted.batch}, {2 * wanted.batch}, ..."
        )
    bench = bench_of(wanted)
    found = table(bench, wanted.rounds, learned=not wanted.quick)
    cuda = bench.device.type == "cuda"
    device = torch.cuda.get_device_name() if cuda else f"{platform.machine()}, {torch.get_num_threads()} threads"
    found["device"] = device
    found["torch"] = torch.__version__.partition("+")[0]
    found.to_csv(folder(wanted) / f"generators-{wanted.size}-{bench.device.type}.csv", lineterminator="\n")
    print(found.to_string())


if __name__ == "__main__":
    main()
