"""Steps with planted behaviour, in a module that worker processes can import; all but `share` do without torch."""

import os
import signal
import time

from robustgan.errors import InputError, RunError
from robustgan.work import Work

GIVE_UP = 60.0  # seconds after which a step that waits for another stops: the test has failed then, and must end


def note(work: Work) -> None:
    """Write down a word, and those of all inputs."""
    words = [(path / "note.txt").read_text("utf-8") for _, path in sorted(work.inputs.items())]
    (work.folder / "note.txt").write_text(" ".join([work.settings["word"], *words]), "utf-8")


def meet(work: Work) -> None:
    """Wait until another step of this kind is at work too."""
    (work.data / work.settings["word"]).touch()
    start = time.monotonic()
    while not (work.data / work.settings["other"]).exists():
        if time.monotonic() - start > GIVE_UP:
            raise RunError("nobody came")
        time.sleep(0.01)
    note(work)


def die_once(work: Work) -> None:
    """Kill the process the first time; the second time all is well."""
    died = work.data / f"{work.settings['word']}.died"
    if not died.exists():
        died.write_text(str(os.getpid()), "utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    note(work)


def poison(work: Work) -> None:
    """Kill the process each time."""
    with (work.data / "deaths").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(work: Work) -> None:
    """Fail as a cell fails."""
    raise RunError(f"planted: {work.settings['word']}")


def reject(work: Work) -> None:
    """Fail as a setting does that only the data show to be wrong."""
    raise InputError(f"planted: {work.settings['word']}")


def manifest(work: Work) -> None:
    """Fail where nothing that follows would mean anything."""
    raise InputError("planted: no images")


def fault(work: Work) -> None:
    """Fail as code with a fault does, with an error that does not travel."""
    raise StubbornError(1, 2)


class StubbornError(Exception):
    """An error that cannot be made anew from its message."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("planted fault")


def who(work: Work) -> None:
    """Write down the name of the dask worker."""
    from distributed import get_worker

    (work.folder / "note.txt").write_text(str(get_worker().name), "utf-8")


def share(work: Work) -> None:
    """Be a training that several processes share: each says that it is there."""
    from robustgan.launch import together

    together(answer, work)
    note(work)


def answer(work: Work) -> None:
    """The mean of what all processes of a team say."""
    import torch

    mean = float(work.team.mean(torch.tensor([float(work.team.rank)])))
    if work.team.leads:
        (work.data / work.settings["word"]).write_text(f"{mean} of {work.team.size}", "utf-8")


def train(work: Work) -> None:
    """Be a training of many steps, which ends when the file `enough` is there; say who does which step."""
    checkpoint = work.folder / "checkpoint.pt"  # by this name the next run finds it (store.py)
    done = int(checkpoint.read_text("utf-8")) if checkpoint.exists() else 0
    while not (work.data / "enough").exists():
        done += 1
        with (work.data / work.settings["word"]).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {done}\n")
        time.sleep(0.02)
        if work.stop.asked:
            checkpoint.write_text(str(done), "utf-8")
            work.stop.leave()
    note(work)


def count(work: Work) -> None:
    """Keep no checkpoints, tell of steps without end."""
    (work.data / work.settings["word"]).write_text(str(os.getpid()), "utf-8")
    while not (work.data / "enough").exists():
        time.sleep(0.02)
        work.tick(1, 2, "")
    note(work)


def hang(work: Work) -> None:
    """Say who is at work, and never end."""
    (work.data / work.settings["word"]).write_text(str(os.getpid()), "utf-8")
    while True:
        time.sleep(0.05)
