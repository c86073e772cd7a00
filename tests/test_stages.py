"""Which stages are done anew when a setting or one line of the code changes: those that it can touch, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from robustgan import store
from robustgan.config import read_yaml
from robustgan.experiment import Experiment, experiment
from robustgan.parsed import Memory
from robustgan.shipped import config_path
from robustgan.stage import Place
from robustgan.stages import stages

SMOKE = Path(__file__).parents[1] / "configs" / "smoke.yaml"
LINF = {"norm": "linf", "eps": 8 / 255}
TRAINS = ("advgan", "dcgan")
PAIRED = ("clean", "noise", "fgsm", "pgd", "fab", "square", "apgd", "ensemble", "advgan")
LINE = "\n\ndef added() -> int:\n    return 1\n"

CELLS = {f"attack {kind}" for kind in PAIRED}
PROBES = {"probe"}
ADVGAN = {"train advgan", "attack advgan"}
DCGAN = {"train dcgan", "attack dcgan"}
POINT = {"operating point"} | CELLS | PROBES | ADVGAN | {"attack dcgan"}  # and all that needs it
NETWORKS = {"classifier", "oracle", "inspect"} | POINT
EVERYTHING = {"list", "decode", "split", "oracle split"} | NETWORKS | DCGAN

Edited = dict[str, Path]
Edit = Callable[[str, Callable[[str], str]], set[str]]


def plan(**change: object) -> Experiment:
    """A small study with every sort of stage."""
    settings = read_yaml(SMOKE)
    given = {entry["kind"]: entry for entry in settings["attacks"]}
    bare = {"clean": {"kind": "clean"}, "dcgan": given["dcgan"]}
    attacks = [bare.get(kind, {"kind": kind, "threat": LINF}) for kind in (*PAIRED, "dcgan")]
    return experiment({**settings, "attacks": attacks, **change})


def short(name: str) -> str:
    """The stage's name without what there is one of."""
    if name.startswith("split"):
        return "oracle split" if "oracle" in name else "split"
    if name.startswith("classifier"):
        return "oracle" if "oracle" in name else "classifier"
    words = name.replace(",", "").split()
    return " ".join(words[: 2 if words[0] in ("attack", "train", "operating") else 1]).removesuffix("-ce")


@pytest.fixture
def clear() -> Iterator[Callable[[], None]]:
    """Forget what was read of the code; nothing of a test is left behind."""

    def forget() -> None:
        for cache in (store._read_module, store._read_function, store._counts):
            cache.cache_clear()

    forget()
    yield forget
    forget()


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    """What was found in the files, so that each is parsed once."""
    return Memory(tmp_path_factory.mktemp("parsed") / "digests.json", b"")


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clear: Callable[[], None], memory: Memory) -> Edit:
    """Change a file of a copy of the package; which stages have another key then."""
    edited: Edited = {}
    real = store._file
    monkeypatch.setattr(store, "_file", lambda module: edited.get(module) or real(module))
    monkeypatch.setattr(store, "_memory", lambda: memory)

    def keys() -> dict[str, str]:
        clear()
        return {short(stage.name): stage.key for stage in stages(plan(), Place(tmp_path, tmp_path))}

    def change(module: str, how: Callable[[str], str]) -> set[str]:
        edited.clear()
        before = keys()
        source = real(f"robustgan.{module}").read_text("utf-8")
        changed = how(source)
        assert changed != source
        copy = tmp_path / f"{module}.py"
        copy.write_text(changed, "utf-8")
        edited[f"robustgan.{module}"] = copy
        after = keys()
        assert set(before) == set(after) == EVERYTHING
        return {name for name, key in after.items() if key != before[name]}

    return change


def a_line(source: str) -> str:
    return source + LINE


@pytest.mark.parametrize(
    ("module", "touched"),
    [
        ("attacks._fab", {"attack fab", "attack ensemble"}),
        ("attacks.fab", {"attack fab"}),
        ("attacks._apgd", {"attack apgd", "attack ensemble"}),
        ("attacks._square", {"attack square", "attack ensemble"} | PROBES),
        ("attacks.pgd", {"attack pgd"} | PROBES),
        ("attacks._peak", {"attack pgd"} | PROBES),
        ("attacks.ensemble", {"attack ensemble"}),
        ("attacks._siege", {f"attack {kind}" for kind in ("pgd", "fab", "square", "apgd", "ensemble")} | PROBES),
        ("attacks._advgan", ADVGAN),
        ("gan.game", DCGAN),
        ("evaluation", CELLS | PROBES),
        ("prepare", CELLS | PROBES | ADVGAN),
        ("survival", CELLS),
        ("probing.judging", PROBES),
        ("scoring", POINT),
        ("batches", POINT | DCGAN),
        ("memory", PROBES),
        ("training", NETWORKS),
        ("launch", set()),
        ("errors", set()),
        ("report.document", set()),
        ("strength.checking", set()),
        ("tables", EVERYTHING),
    ],
)
def test_a_line_redoes_what_it_can_touch(module: str, touched: set[str], edit: Edit) -> None:
    assert edit(module, a_line) == touched


@pytest.mark.parametrize("module", ["evaluation", "attacks.pgd", "tables"])
def test_words_redo_nothing(module: str, edit: Edit) -> None:
    def reworded(source: str) -> str:
        return source.replace('"""', '"""Once more: ', 1) + "\n# a comment\n"

    assert edit(module, reworded) == set()


def test_a_line_of_a_step_redoes_that_step_and_what_needs_it(edit: Edit) -> None:
    wanted = "    root = dataset.locate(work.data, work.inputs["
    assert edit("steps", lambda source: source.replace(wanted, "    assert True\n" + wanted)) == {
        name for name in EVERYTHING if name not in ("list", "split", "oracle split")
    }


def test_of_the_errors_each_counts_where_it_is_named(edit: Edit) -> None:
    """Another `except` would catch it: that may touch a result. What a message says may not."""
    base = "class MemoryShortError(RunError)"
    assert edit("errors", lambda source: source.replace(base, base.replace("RunError", "InputError"))) == POINT | DCGAN
    assert edit("errors", lambda source: source.replace("Did you mean", "Perhaps")) == set()
    assert edit("errors", lambda source: source + "\n\nclass Other(RunError):\n    pass\n") == set()


def test_what_brings_processes_together_counts_where_several_train(edit: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    several = plan(processes=2)
    monkeypatch.setattr("tests.test_stages.plan", lambda: several)
    found = edit("launch", a_line)
    assert {"classifier", "oracle", "train advgan", "train dcgan"} <= found
    assert not found & {"list", "decode", "split", "oracle split"}


def test_another_search_trains_no_generator_anew(tmp_path: Path) -> None:
    """What is searched comes after the training; what is trained comes before all."""
    place = Place(tmp_path, tmp_path)
    usual = {stage.name: stage.key for stage in stages(plan(), place)}
    for part, touched in (("search", {"attack dcgan"}), ("training", DCGAN)):
        settings = plan().settings()
        entry = next(entry for entry in settings["attacks"] if entry["kind"] == "dcgan")
        entry[part] = {**entry[part], "batch": entry[part]["batch"] + 1}
        found = stages(experiment(settings), place)
        assert {short(stage.name) for stage in found if usual[stage.name] != stage.key} == touched


def keys(place: Path, **changed: object) -> dict[str, tuple[str, str]]:
    """Kind and key of every stage of a config, by its name."""
    settings = {**read_yaml(config_path("audit")), "transfer": True, **changed}
    return {stage.name: (stage.kind, stage.key) for stage in stages(experiment(settings), Place(place, place))}


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ({"attack_precision": "fp32"}, {"attack_precision": "bf16"}),
        ({"attack_compile": False}, {"attack_compile": True}),
    ],
    ids=["precision", "compile"],
)
def test_haste_concerns_attacked_images_alone(tmp_path: Path, off: dict[str, object], on: dict[str, object]) -> None:
    """Probes stay exact: evidence that attacks are strong must not be as weak as they are."""
    usual, exact, rough = (keys(tmp_path, **more) for more in ({}, off, on))
    assert exact == usual
    other = {kind for name, (kind, key) in rough.items() if usual[name][1] != key}
    same = {kind for name, (kind, key) in rough.items() if usual[name][1] == key}
    assert other == {"attacked", "transferred"}
    assert not other & same
    assert {"classifier", "generator", "probed", "operating", "forged"} <= same
