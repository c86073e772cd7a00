"""Trainings that several processes share: steps as `launch.together` starts them, in a module that each can import."""

import os
import signal
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from robustgan import config, launch, training
from robustgan.experiment import Training
from robustgan.interfaces import Samples, State
from robustgan.journal import silent
from robustgan.work import Work
from tests.conftest import samples_of


def lesson(n: int, seed: int) -> Samples:
    """Noise images; malignant ones are redder."""
    labels = torch.arange(n) % 2
    images = torch.randint(0, 150, (n, 3, 16, 16), generator=torch.Generator().manual_seed(seed))
    images[:, 0] += 60 * labels.view(-1, 1, 1)
    return samples_of(images.to(torch.uint8), labels, (40,))


def network_of(norm: bool) -> nn.Sequential:
    torch.manual_seed(0)
    middle = nn.BatchNorm2d(8) if norm else nn.Identity()
    convolution = nn.Conv2d(3, 8, 3, stride=2)
    return nn.Sequential(convolution, middle, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 2))


def classify(work: Work) -> None:
    """Train a classifier; each process writes what it ends with, and which images it saw, under its rank."""
    network, journal = network_of(work.settings["norm"]), work.journal
    rule = Training(epochs=3, batch=16, lr=1e-2, patience=3, stain=0.0)
    training.train(network, lesson(72, 1), lesson(40, 2), rule, 7, journal)
    save(network, work)


def attack(work: Work) -> None:
    """Train an attack's generator against a fixed classifier."""
    seed = work.settings.get("seed", 0)
    torch.manual_seed(1 + seed)
    recipe = config.plugin("attacks", work.settings["attack"])
    state = State(recipe.build(), torch.Generator().manual_seed(3 + seed))
    victim = network_of(norm=False).eval()
    recipe.fit(victim, lesson(72, 1), lesson(40, 2), state, work.journal)
    save(state.network, work)


def die(work: Work) -> None:
    """Exchange one number; the last process is killed before the second."""
    work.team.mean(torch.ones(1))
    if work.team.rank == work.team.size - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    work.team.mean(torch.ones(1))


def hang(work: Work) -> None:
    """Say who this is; the leader then sleeps, and the others wait for it."""
    (work.inputs["pids"] / str(work.team.rank)).write_text(str(os.getpid()), "utf-8")
    if work.team.leads:
        time.sleep(600)
    work.team.mean(torch.ones(1))


def hang_with(folder: str) -> None:
    """Lead a team of two that hangs."""
    at = Path(folder)
    launch.together(hang, Work({"device": "cpu", "processes": 2}, {"pids": at}, at, at, silent))


def save(network: nn.Module, work: Work) -> None:
    """Write the weights where the test finds them: followers' own folders are thrown away."""
    content = {name: value.detach().clone().contiguous() for name, value in network.state_dict().items()}
    save_file(content, work.inputs["weights"] / f"{work.team.rank}.safetensors")
    work.team.agree(None)  # the leader ends last, else it would stop the others before they have written
    work.team.mean(torch.zeros(1))
