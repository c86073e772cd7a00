"""Trainings that several processes share: steps as `launch.together` starts them, in a module that each can import."""

import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from robustgan import config, launch, training
from robustgan.experiment import Training
from robustgan.interfaces import Samples, State
from robustgan.journal import silent
from robustgan.team import Team
from robustgan.tensors import Tensor
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
    arm(work)
    network, journal = network_of(work.settings["norm"]), work.journal
    rule = Training(epochs=3, batch=16, lr=1e-2, patience=3, stain=0.0)
    training.train(network, lesson(72, 1), lesson(40, 2), rule, 7, journal)
    save(network, work)


def attack(work: Work) -> None:
    """Train an attack's generator against a fixed classifier."""
    arm(work)
    seed = work.settings.get("seed", 0)
    torch.manual_seed(1 + seed)
    recipe = config.plugin("attacks", work.settings["attack"])
    state = State(recipe.build(), torch.Generator().manual_seed(3 + seed))
    victim = network_of(norm=False).eval()
    recipe.fit(victim, lesson(72, 1), lesson(40, 2), state, work.journal)
    save(state.network, work)


def arm(work: Work) -> None:
    """Have one process killed at one of its exchanges of gradients, where the settings say which (`killed`)."""
    rank, turn = work.settings.get("killed", (-1, 0))
    if work.team.rank != rank:
        return
    turns, average = [0], Team.average

    def counted(self: Team, parameters: Iterable[Tensor]) -> None:
        turns[0] += 1
        if turns[0] == turn:
            os.kill(os.getpid(), signal.SIGKILL)
        average(self, parameters)

    Team.average = counted  # type: ignore[method-assign]  # this process ends by it


def learn_from(order: str) -> None:
    """Lead a team in a process of its own: name of the step, folders and settings as JSON."""
    name, folder, weights, settings = json.loads(order)
    step = {"classify": classify, "attack": attack}[name]
    launch.together(step, Work(settings, {"weights": Path(weights)}, Path(folder), Path(folder).parent, silent))


def die(work: Work) -> None:
    """Exchange one number; the last process is killed before the second."""
    work.team.mean(torch.ones(1))
    if work.team.rank == work.team.size - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    work.team.mean(torch.ones(1))


def count(work: Work) -> None:
    """Say with how many threads this process computes."""
    (work.inputs["threads"] / str(work.team.rank)).write_text(str(torch.get_num_threads()), "utf-8")
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
