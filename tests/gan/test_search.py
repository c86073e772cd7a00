import pytest
import torch
from torch import nn

from robustgan.freezing import frozen
from robustgan.gan.conditional import Gan
from robustgan.gan.recipe import Hunt
from robustgan.gan.search import Parties, distance, margin, search, wander, weigh

SIDE, LATENT = 16, 12
RULE = Hunt(steps=60, lr=0.05, kappa=0.5)


class Painter(nn.Module):
    """A generator whose images are linear in the latent vector: 12 plain squares in three channels."""

    latent = LATENT

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return (0.5 + 0.1 * z).clamp(0, 1).view(-1, 3, 2, 2).repeat_interleave(8, 2).repeat_interleave(8, 3)


class Taste(nn.Module):
    """Logits (0, gain * mean of one channel - middle)."""

    def __init__(self, channel: int, gain: float = 100.0, middle: float = 0.5) -> None:
        super().__init__()
        self.channel, self.gain, self.middle = channel, gain, middle

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        level = self.gain * (x[:, self.channel].mean((1, 2)) - self.middle)
        return torch.stack([torch.zeros_like(level), level], 1)


@pytest.fixture
def gan() -> Gan:
    torch.manual_seed(0)
    made = Gan(SIDE, (4, 4), LATENT, 4)
    made.generator = Painter()
    made.cells[:2] = torch.tensor([[0, 40], [1, 40]])
    made.realism.fill_(-1e3)
    return made.eval().requires_grad_(False)


@pytest.fixture
def start() -> torch.Tensor:
    z = torch.randn(6, LATENT, generator=torch.Generator().manual_seed(3))
    z[:, :4] = z[:, :4].abs() * 0.2 + 0.2  # the victim's channel: clearly malignant, not far from its boundary
    z[:, 4:8] = z[:, 4:8].abs() + 1  # the oracle's channel: clearly malignant
    return z


LABELS = torch.ones(6, dtype=torch.int64)


def test_a_planted_victim_is_fooled_near_the_start(gan: Gan, start: torch.Tensor) -> None:
    victim = Taste(0)
    assert (margin(victim(gan.generator(start, LABELS)), LABELS) > 0).all()
    found = search(Parties(gan, victim, ()), start, LABELS, RULE)
    assert (margin(victim(gan.generator(found, LABELS)), LABELS) < 0.3).all()  # 8-bit rounding is worth 0.2
    moved = (found - start).abs()
    assert (moved[:, :4].mean(1) > 0.1).all()
    assert moved[:, 4:].max() < 0.01  # what the victim does not see stays
    assert (distance(found, start) < 0.6).all()


def test_the_latent_vectors_that_were_given_stay_as_they_are(gan: Gan, start: torch.Tensor) -> None:
    before = start.clone()
    search(Parties(gan, Taste(0), ()), start, LABELS, RULE)
    assert torch.equal(start, before)


def test_a_vector_that_succeeds_at_once_is_not_moved(gan: Gan, start: torch.Tensor) -> None:
    start = start.clone()
    start[2, :4] = -1.0
    found = search(Parties(gan, Taste(0), ()), start, LABELS, RULE)
    assert torch.equal(found[2], start[2])
    assert not torch.equal(found[1], start[1])


def test_the_search_oracle_holds_the_label(gan: Gan, start: torch.Tensor) -> None:
    victim, oracle = Taste(0), Taste(1)
    found = search(Parties(gan, victim, [oracle]), start, LABELS, RULE)
    assert (oracle(gan.generator(found, LABELS)).softmax(1)[:, 1] > 0.85).all()


def test_every_step_is_told_with_what_was_found_so_far(gan: Gan, start: torch.Tensor) -> None:
    told: list[tuple[int, int, str]] = []
    start = start.clone()
    start[2, :4] = -1.0  # fools from the beginning
    found = search(Parties(gan, Taste(0), ()), start, LABELS, RULE, lambda *one: told.append(one))
    assert told[0] == (0, RULE.steps, "latent search, 1 of 6 found")
    assert [step for step, _, _ in told] == [*range(len(told))]
    assert told[-1][2] == "latent search, 6 of 6 found"
    assert torch.equal(found, search(Parties(gan, Taste(0), ()), start, LABELS, RULE))


def test_the_search_goes_on_until_its_oracles_are_as_sure_as_is_asked(gan: Gan, start: torch.Tensor) -> None:
    start = start.clone()
    start[:, 4:8] = 0.0  # the oracle is undecided
    parties, rule = Parties(gan, Taste(0), [Taste(1, gain=20.0)]), Hunt(steps=300, lr=0.05, near=0.1, faithful=20)
    said = []
    for sure in (0.6, 0.98):
        found = search(parties, start, LABELS, rule.model_copy(update={"sure": sure}))
        said.append(parties.oracles[0](gan.generator(found, LABELS)).softmax(1)[:, 1])
    assert said[0].min() > 0.55
    assert said[0].max() < said[1].min()
    assert said[1].min() > 0.97


def test_an_oracle_that_sees_what_the_victim_sees_leaves_no_success(gan: Gan, start: torch.Tensor) -> None:
    held, free = Parties(gan, Taste(0), [Taste(0)]), Parties(gan, Taste(0), ())
    found, alone = search(held, start, LABELS, RULE), search(free, start, LABELS, RULE)
    assert weigh(free, alone, start, LABELS, RULE)[1].all()
    assert not weigh(held, found, start, LABELS, RULE)[1].any()
    assert weigh(free, found, start, LABELS, RULE)[1].any()  # the oracle alone stands in the way


def test_images_that_look_less_real_than_real_ones_are_no_success(gan: Gan, start: torch.Tensor) -> None:
    gan.realism.fill_(1e3)
    start = start.clone()
    start[2, :4] = -1.0  # fools the victim from the beginning
    found = search(Parties(gan, Taste(0), ()), start, LABELS, RULE)
    assert not torch.equal(found[2], start[2])


def test_staying_near_is_worth_more_with_more_weight(gan: Gan, start: torch.Tensor) -> None:
    far = start.clone()
    far[:, :4] = 3.0
    loose = search(Parties(gan, Taste(0), ()), far, LABELS, RULE.model_copy(update={"near": 0.0}))
    tight = search(Parties(gan, Taste(0), ()), far, LABELS, RULE.model_copy(update={"near": 1000.0}))
    assert (distance(tight, far) < distance(loose, far)).all()
    assert (tight - far).abs().max() < 0.45


def test_neither_batch_nor_order_changes_what_is_found(gan: Gan, start: torch.Tensor) -> None:
    parties = Parties(gan, Taste(0), [Taste(1)])
    together = search(parties, start, LABELS, RULE)
    apart = torch.cat([search(parties, z[None], LABELS[:1], RULE) for z in start.flip(0)]).flip(0)
    assert torch.allclose(together, apart, atol=1e-5)


def test_all_networks_stay_as_they_are(gan: Gan, start: torch.Tensor) -> None:
    torch.manual_seed(0)
    victim = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 2))
    with frozen(victim), frozen(gan):
        search(Parties(gan, victim, ()), start, LABELS, RULE)
    assert all(p.grad is None for p in victim.parameters())


def test_the_margin_is_the_true_logit_minus_the_other() -> None:
    logits = torch.tensor([[1.0, 3.0], [1.0, 3.0]])
    assert margin(logits, torch.tensor([0, 1])).tolist() == [-2.0, 2.0]


def test_the_published_preset_fills_what_is_not_given() -> None:
    song = Hunt.read({"preset": "song2018", "steps": 20})
    assert (song.near, song.faithful, song.free, song.kappa, song.realism) == (100.0, 100.0, 0.1, 0.0, 0.0)
    assert (song.steps, song.lr, song.langevin) == (20, 1.0, True)
    assert Hunt() == Hunt.read({"preset": "robustgan"})
    assert Hunt.read(song.model_dump(mode="json")) == song


def test_the_published_search_fools_and_its_noise_belongs_to_the_vector(gan: Gan, start: torch.Tensor) -> None:
    rule = Hunt.read({"preset": "song2018", "steps": 60})
    parties = Parties(gan, Taste(0, 20.0), [Taste(1)])
    together = search(parties, start, LABELS, rule)
    with torch.no_grad():
        before, after = (margin(Taste(0)(gan.generator(z, LABELS)), LABELS) for z in (start, together))
        held = Taste(1)(gan.generator(together, LABELS)).softmax(1)[:, 1]
    assert (after < before).all()
    assert (held > 0.9).all()
    assert ((together - start)[:, 8:].abs() > 1e-4).any()  # what nobody looks at is only shaken
    apart = torch.cat([search(parties, z[None], LABELS[:1], rule) for z in start.flip(0)]).flip(0)
    assert torch.allclose(together, apart, atol=1e-4)


def test_a_random_walk_is_as_long_as_the_search_and_goes_elsewhere(start: torch.Tensor) -> None:
    lengths = torch.linspace(0, 1, len(start))
    seeds = list(range(len(start)))
    walked = wander(start, lengths, seeds)
    assert torch.allclose(distance(walked, start), lengths, atol=1e-6)
    assert torch.equal(walked[0], start[0])
    assert torch.equal(walked, wander(start, lengths, seeds))
    directions = nn.functional.normalize((walked - start)[1:], dim=1)
    assert (directions @ directions.T - torch.eye(len(directions))).abs().max() < 0.95
