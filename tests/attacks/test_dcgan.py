import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import tables
from robustgan.attacks.dcgan import DCGAN
from robustgan.errors import InputError, RunError
from robustgan.freezing import weights_digest
from robustgan.gan import game, monitor, points
from robustgan.gan.conditional import Gan
from robustgan.gan.latent_walk import STARTS, STEPS
from robustgan.gan.painting import paint
from robustgan.gan.recipe import Watch
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal, silent
from robustgan.stopping import Stop, Stopped
from tests.conftest import samples_of

TINY = DCGAN.read(
    {
        "size": 16,
        "latent": 6,
        "embedding": 4,
        "ngf": 4,
        "ndf": 4,
        "training": {"steps": 9, "batch": 8, "every": 3},
        "monitor": {"actions": []},  # nine steps learn nothing, whatever is tried
        "search": {"images": 5, "starts": 2, "steps": 4, "batch": 4},
    }
)
CELL = {
    "model": "densenet",
    "source": "densenet",
    "attack": "dcgan",
    "norm": "unrestricted",
    "eps": float("nan"),
}
WALKED = 2 * STARTS * STEPS  # images on walks from benign to malignant, at two magnifications


class KillError(Exception):
    """Stands for a kill."""


class Bright(nn.Module):
    """P(malignant) follows the mean brightness; counts what it is shown."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.seen = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        level = self.gain * (x.mean((1, 2, 3)) - 0.5)
        return torch.stack([-level, level], 1)


@pytest.fixture(scope="module")
def sides() -> tuple[Samples, Samples]:
    images = torch.randint(0, 256, (60, 3, 16, 16), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    labels = torch.arange(60) // 2 % 2
    return samples_of(images[:40], labels[:40], (40, 100)), samples_of(images[40:], labels[40:], (40, 100))


def fitted(
    folder: Path, sides: tuple[Samples, Samples], attack: DCGAN = TINY, stop: int = 0, asked: Stop | None = None
) -> Gan:
    """Train in `folder`, as the pipeline does; break off at look number `stop`, or when `asked`."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    network = attack.build()
    looks = []

    def tick(done: int, total: int, text: str) -> None:
        looks.append(done)
        if len(looks) == stop:
            raise KillError

    attack.fit(nn.Identity(), *sides, State(network, torch.Generator().manual_seed(1)), Journal(folder, tick, asked))
    return network


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, sides: tuple[Samples, Samples]) -> tuple[Gan, Path]:
    """A training that nothing disturbed, and its folder."""
    folder = tmp_path_factory.mktemp("straight")
    return fitted(folder, sides), folder


@pytest.fixture
def trusted(straight: tuple[Gan, Path]) -> Gan:
    """A generator after a few steps, declared fit for use: these tests are about what happens with it."""
    network = cast(Gan, TINY.build())
    network.load_state_dict(straight[0].state_dict())
    network.status.fill_(0)
    network.generator.ups[-1].weight.data *= 40  # contrast, which nine steps do not bring
    return network.eval()


def fooled(
    network: nn.Module, oracles: list[nn.Module], held_out: Samples, folder: Path, seed: int = 0
) -> pd.DataFrame:
    return TINY.fool(Bright(40.0), oracles, network, held_out, seed, folder, silent)


# --------------------------------------------------------------------------------------------------------- fit


def test_fit_leaves_numbers_a_sheet_and_a_status(straight: tuple[Gan, Path]) -> None:
    network, folder = straight
    rows = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6, 9]
    assert set(rows[0]) == {"step", "d_loss", "g_loss", "r_t", "kid_scatter", "gradient", "attempt"}
    assert (folder / "sheet.png").stat().st_size > 1000
    status = json.loads((folder / "status.json").read_text())
    assert status["status"] == monitor.RULES[int(network.status)]
    assert status["kid_scatter"] == min(row["kid_scatter"] for row in rows)
    assert [cell[:2] for cell in network.labels()] == [(0, 40), (0, 100), (1, 40), (1, 100)]
    assert torch.isfinite(network.realism).all()


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_fit_that_was_killed_goes_on_to_the_same_bytes(
    tmp_path: Path, sides: tuple[Samples, Samples], straight: tuple[Gan, Path], stop: int
) -> None:
    network, folder = straight
    with pytest.raises(KillError):
        fitted(tmp_path / "killed", sides, stop=stop)
    with (tmp_path / "killed" / "stats.jsonl").open("a") as file:
        file.write('{"step": 999')  # half a line, written after the last checkpoint
    resumed = fitted(tmp_path / "killed", sides)
    assert weights_digest(resumed) == weights_digest(network)
    for name in ("stats.jsonl", "sheet.png", "status.json", "progress.png"):
        assert (tmp_path / "killed" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("turns", [1, 4, 8])  # of 9, with a look after every third
def test_a_fit_that_is_asked_to_stop_goes_on_from_that_step(
    tmp_path: Path, sides: tuple[Samples, Samples], straight: tuple[Gan, Path],
    monkeypatch: pytest.MonkeyPatch, turns: int,
) -> None:  # fmt: skip
    network, folder = straight
    done: list[int] = []
    stop, turn = Stop(patient=True), game.turn

    def counted(played: game.Game, pool: game.Pool) -> torch.Tensor:
        done.append(played.step)
        stop.signum = 15 if len(done) == turns else stop.signum
        return turn(played, pool)

    monkeypatch.setattr(game, "turn", counted)
    with pytest.raises(Stopped):
        fitted(tmp_path / "cut", sides, asked=stop)
    resumed = fitted(tmp_path / "cut", sides)
    assert done == list(range(9))  # it left after the step under way, and no step is done twice
    assert weights_digest(resumed) == weights_digest(network)
    for name in ("stats.jsonl", "sheet.png", "status.json", "progress.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()
    assert not (tmp_path / "cut" / "pause.pt").exists()


def test_losses_that_stay_not_finite_are_named_with_their_step(
    tmp_path: Path, sides: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = game.turn
    monkeypatch.setattr(game, "turn", lambda played, pool: turn(played, pool) * (torch.nan if played.step == 4 else 1))
    with pytest.raises(RunError, match="a loss is not finite from step 5 on, also with learning rates halved 2 times"):
        fitted(tmp_path / "broken", sides)


def test_training_changes_the_generator_and_seeds_matter(
    tmp_path: Path, sides: tuple[Samples, Samples], straight: tuple[Gan, Path]
) -> None:
    torch.manual_seed(1)
    other = TINY.build()
    assert weights_digest(straight[0]) != weights_digest(other)
    TINY.fit(nn.Identity(), *sides, State(other, torch.Generator().manual_seed(2)), Journal(tmp_path))
    assert weights_digest(straight[0]) != weights_digest(other)


def test_training_in_half_precision_stays_finite(tmp_path: Path, sides: tuple[Samples, Samples]) -> None:
    training = TINY.training.model_copy(update={"precision": "bf16"})
    network = fitted(tmp_path, sides, TINY.model_copy(update={"training": training}))
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_images_of_another_size_are_refused(tmp_path: Path, sides: tuple[Samples, Samples]) -> None:
    with pytest.raises(InputError, match="size: found 32, but the images are 16x16"):
        fitted(tmp_path, sides, TINY.model_copy(update={"size": 32}))


def test_validation_images_without_a_known_label_are_refused(tmp_path: Path, sides: tuple[Samples, Samples]) -> None:
    train, val = sides
    strange = Samples(val.images, val.labels, val.rows.assign(magnification=400))
    with pytest.raises(InputError, match="at least 2 are needed"):
        fitted(tmp_path, (train, strange))


def test_a_loss_that_stays_not_finite_ends_the_training(
    tmp_path: Path, sides: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = []

    def broken(played: game.Game, pool: game.Pool) -> torch.Tensor:
        played.set_rates()
        rates.append(played.optimisers["d"].param_groups[0]["lr"])
        return torch.full((5,), float("nan"))

    monkeypatch.setattr(game, "turn", broken)
    with pytest.raises(RunError, match="not finite"):
        fitted(tmp_path, sides)
    assert rates[::3] == [4e-4, 2e-4, 1e-4]


def test_after_one_bad_stretch_the_training_goes_on_with_half_the_rate(
    tmp_path: Path, sides: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, steps = game.turn, []

    def once(played: game.Game, pool: game.Pool) -> torch.Tensor:
        steps.append(played.step)
        found = turn(played, pool)
        return found * float("nan") if len(steps) == 5 else found

    monkeypatch.setattr(game, "turn", once)
    fitted(tmp_path, sides)
    assert steps == [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8]
    assert json.loads((tmp_path / "status.json").read_text())["reloads"] == 1


def test_a_saturated_discriminator_ends_the_training_and_marks_the_generator(
    tmp_path: Path, sides: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(game, "turn", lambda played, pool: torch.tensor([0.0, 1.0, 2.0, 1.0, 1.0]))
    network = fitted(tmp_path, sides, TINY.model_copy(update={"monitor": Watch(shortest=6, actions=())}))
    assert json.loads((tmp_path / "status.json").read_text())["status"] == "D_SATURATED"
    assert len((tmp_path / "stats.jsonl").read_text().splitlines()) == 2  # it did not go on to step 9
    with pytest.raises(RunError, match="D_SATURATED"):
        fooled(network, [Bright(10.0)], sides[1], tmp_path)


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        ("D_DEAD", lambda step: [2.0 + 0.01 * (step % 2), 0.0, 0.0, 0.0, 1.0]),
        ("STUCK", lambda step: [13.8, 0.0, 1.0, 0.0, 1.0]),
    ],
)
def test_a_dead_or_frozen_discriminator_ends_the_training(
    tmp_path: Path,
    sides: tuple[Samples, Samples],
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    numbers: Callable[[int], list[float]],
) -> None:
    monkeypatch.setattr(game, "turn", lambda played, pool: torch.tensor(numbers(played.step)))
    network = fitted(tmp_path, sides, TINY.model_copy(update={"monitor": Watch(shortest=6, actions=())}))
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["status"], status["warnings"][0]["rule"]) == (rule, rule)
    with pytest.raises(RunError, match=rule):
        fooled(network, [Bright(10.0)], sides[1], tmp_path)


def test_looks_that_no_rule_refuses_are_counted(
    tmp_path: Path, sides: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(game.rescue, "flaw_of", lambda played, *_: ["COLLAPSED", "planted"] if played.step == 6 else [])
    fitted(tmp_path, sides)
    assert json.loads((tmp_path / "status.json").read_text())["looks"] == {"all": 3, "sound": 2}


def test_status_says_how_good_each_label_is(straight: tuple[Gan, Path]) -> None:
    status = json.loads((straight[1] / "status.json").read_text())
    assert list(status["fidelity"]["labels"]) == ["benign 40X", "benign 100X", "malignant 40X", "malignant 100X"]
    assert status["actions"] == []


# -------------------------------------------------------------------------------------------------------- fool


def test_fool_returns_a_valid_table(tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]) -> None:
    frame = fooled(trusted, [Bright(20.0), Bright(30.0), Bright(35.0)], sides[1], tmp_path)
    checked = tables.check(frame.assign(**CELL, seed=0, fold=1), tables.GENERATED)
    assert checked["mode"].value_counts().to_dict() == {
        "real": 20,
        "natural": 4 * 5,
        "searched": 4 * 2,
        "walked": 4 * 2,
    }
    assert (checked["oracles"] == 2).all()
    assert checked["distance"].isna().sum() == 20
    assert (checked.loc[checked["mode"] == "natural", "distance"] == 0).all()
    assert (checked["accepted"] == (checked["oracle_low"] >= 0.9)).all()
    assert checked["image_id"].str.fullmatch(r"[0-9a-f]{64}").all()
    assert (checked["oracle_low"] <= checked["oracle_mean"] + 1e-12).all()
    assert (checked["oracle_mean"] <= checked["oracle_high"] + 1e-12).all()
    assert (checked["group"] == "").equals(checked["mode"] != "real")
    for name in ("fooling.png", "walk.png", "walk.csv"):
        assert (tmp_path / name).is_file()


def test_the_random_walk_is_judged_beside_the_search(
    tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]
) -> None:
    frame = fooled(trusted, [Bright(20.0)], sides[1], tmp_path)
    searched, walk = (frame[frame["mode"] == mode].reset_index(drop=True) for mode in ("searched", "walked"))
    for column in ("label", "magnification", "distance"):
        assert walk[column].tolist() == searched[column].tolist()
    moved = walk["distance"] > 0
    assert moved.any()
    assert not set(walk.loc[moved, "image_id"]) & set(searched.loc[moved, "image_id"])
    start = frame[(frame["mode"] == "natural") & (frame.groupby(["mode", "label", "magnification"]).cumcount() < 2)]
    still = walk.loc[~moved, "image_id"].tolist()
    assert still == start.reset_index(drop=True).loc[~moved, "image_id"].tolist()  # no step, so the same image


def test_what_the_search_found_can_be_painted_again(
    tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]
) -> None:
    frame = fooled(trusted, [Bright(20.0)], sides[1], tmp_path)
    searched = frame[frame["mode"] == "searched"]
    found = points.load(tmp_path, trusted)
    assert found is not None
    images = paint(trusted, found.z, found.labels, TINY.search.batch).permute(0, 2, 3, 1).numpy()
    assert [hashlib.sha256(one.tobytes()).hexdigest() for one in images] == searched["image_id"].tolist()
    assert trusted.cells[found.labels, 0].tolist() == searched["label"].tolist()
    again = tmp_path / "again"
    again.mkdir()
    fooled(trusted, [Bright(20.0)], sides[1], again)
    assert (again / points.FILE).read_bytes() == (tmp_path / points.FILE).read_bytes()


def test_real_rows_keep_ids_and_known_labels(tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]) -> None:
    frame = fooled(trusted, [Bright(20.0)], sides[1], tmp_path)
    real = frame[frame["mode"] == "real"]
    assert real["image_id"].tolist() == sides[1].rows["image_id"].tolist()
    assert real["label"].tolist() == sides[1].labels.tolist()


def test_a_seed_gives_the_same_images_and_another_seed_others(
    tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]
) -> None:
    oracles: list[nn.Module] = [Bright(20.0), Bright(30.0)]
    first, again, other = (fooled(trusted, oracles, sides[1], tmp_path, seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not set(first["image_id"][20:]) & set(other["image_id"][20:])


def test_the_victim_never_judges(tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]) -> None:
    victim = Bright(40.0)
    with pytest.raises(InputError, match="the victim cannot be one"):
        TINY.fool(victim, [Bright(1.0), victim], trusted, sides[1], 0, tmp_path, silent)
    with pytest.raises(InputError, match="at least one oracle"):
        TINY.fool(victim, [], trusted, sides[1], 0, tmp_path, silent)
    frames = [TINY.fool(Bright(gain), [Bright(20.0)], trusted, sides[1], 0, tmp_path, silent) for gain in (40.0, -40.0)]
    natural = [frame[frame["mode"] == "natural"] for frame in frames]
    pd.testing.assert_series_equal(natural[0]["oracle_low"], natural[1]["oracle_low"])
    assert not natural[0]["score"].equals(natural[1]["score"])


def test_the_search_oracle_does_not_judge(tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]) -> None:
    helper, judge = Bright(20.0), Bright(30.0)
    fooled(trusted, [helper, judge], sides[1], tmp_path)
    assert judge.seen == 20 + 4 * 5 + 2 * 4 * 2 + WALKED  # every row once, and nothing inside the search
    assert 0 < helper.seen <= 4 * 2 * (TINY.search.steps + 1)
    alone = Bright(30.0)
    fooled(trusted, [alone], sides[1], tmp_path)
    assert alone.seen == 20 + 4 * 5 + 2 * 4 * 2 + WALKED


def test_the_first_oracles_help_and_the_others_judge(
    tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]
) -> None:
    two = TINY.model_copy(update={"search": TINY.search.model_copy(update={"helping": 2})})
    helpers, judge = [Bright(20.0), Bright(25.0)], Bright(30.0)
    rows = two.fool(Bright(40.0), [*helpers, judge], trusted, sides[1], 0, tmp_path, silent)
    assert (rows["oracles"] == 1).all()
    assert judge.seen == 20 + 4 * 5 + 2 * 4 * 2 + WALKED
    assert 0 < helpers[0].seen == helpers[1].seen <= 4 * 2 * (TINY.search.steps + 1)
    with pytest.raises(InputError, match="helping: found 2 with 2 under `oracles`, of which none is left to judge"):
        two.fool(Bright(40.0), helpers, trusted, sides[1], 0, tmp_path, silent)


def test_victim_oracles_and_generator_stay_as_they_are(
    tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]
) -> None:
    oracle = Bright(20.0)
    before = weights_digest(trusted)
    fooled(trusted, [oracle], sides[1], tmp_path)
    assert weights_digest(trusted) == before
    assert oracle.gain.grad is None
    assert oracle.gain.requires_grad


@pytest.mark.parametrize("rule", monitor.RULES[1:])
def test_a_generator_that_failed_makes_no_table(
    tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples], rule: str
) -> None:
    trusted.status.fill_(monitor.RULES.index(rule))
    with pytest.raises(RunError, match=rule):
        fooled(trusted, [Bright(20.0)], sides[1], tmp_path)
    assert not (tmp_path / "fooling.png").exists()


def test_oracles_whose_outputs_are_not_finite_are_an_error(
    tmp_path: Path, trusted: Gan, sides: tuple[Samples, Samples]
) -> None:
    with pytest.raises(RunError, match="not finite"):
        fooled(trusted, [Bright(float("inf"))], sides[1], tmp_path)
