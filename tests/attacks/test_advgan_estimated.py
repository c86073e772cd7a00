"""AdvGAN that estimates gradients from pairs of answers: closed forms on a linear classifier, counts, resuming."""

from pathlib import Path
from typing import Any

import pytest
import torch

from robustgan import evaluation
from robustgan.attacks._change import BACK, bounded, yielding
from robustgan.attacks._estimated import Answering, Estimated
from robustgan.attacks._probes import SORTS, Probes, pattern
from robustgan.attacks._queries import Asked, choosing_of
from robustgan.attacks.advgan import AdvGAN
from robustgan.config import plugin
from robustgan.counting import Counted
from robustgan.errors import InputError
from robustgan.freezing import weights_digest
from robustgan.interfaces import L2, Linf
from tests.attacks.planted import LINF, QUICK, Cut, Fitted, fooled, planted, weak

QUIET = {"knowledge": "estimated", "epochs": 4, "queries": 4000}


def estimating(pairs: int) -> Answering:
    """A linear classifier behind its counter, in place of a network with gradients."""
    network = Answering(Asked(Counted(weak(), gradients=False), 10**6), pairs)
    network.rng = torch.Generator().manual_seed(0)
    return network


def test_estimates_of_a_linear_classifier_point_along_its_weights_and_better_with_more_pairs() -> None:
    x = planted(3, 8).images / 255
    truth = weak().weight.detach().flatten()

    def alike(pairs: int) -> float:
        given = x.clone().requires_grad_()
        logits = estimating(pairs)(given)
        logits.diff(dim=1).sum().backward()
        assert given.grad is not None
        return float(torch.nn.functional.cosine_similarity(given.grad.mean(0).flatten(), truth, dim=0))

    assert alike(40) > 0.5  # 768 numbers, 320 directions
    assert alike(40) > alike(2)


def test_the_value_is_the_classifiers_own_and_every_answer_is_counted() -> None:
    x, network = planted(3, 8).images / 255, estimating(3)
    known = weak()(x).diff(dim=1)
    sure = known.abs() > 8  # probabilities of less than a millionth are not told apart
    assert 0 < sure.sum() < 6
    torch.testing.assert_close(network(x).diff(dim=1)[~sure], known[~sure], atol=0.1, rtol=0.0)
    assert network.asked.used == 8 * 2 * 3


def test_only_images_of_whole_grey_levels_are_asked_about() -> None:
    asked: list[torch.Tensor] = []
    network = estimating(2)
    network.asked.register_forward_pre_hook(lambda module, given: asked.append(given[0]))
    network(torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    seen = torch.cat(asked) * 255
    torch.testing.assert_close(seen, seen.round(), atol=1e-4, rtol=0.0)
    assert (seen.min(), seen.max()) >= (0, 0)
    assert seen.max() <= 255


@pytest.mark.parametrize("sort", SORTS)
def test_patterns_are_signs_louder_in_a_window_and_periodic_where_they_say_so(sort: Any) -> None:
    drawn = [pattern(sort, 48, 48, torch.Generator().manual_seed(seed)) for seed in range(3)]
    for one in drawn:
        assert float(one.square().mean()) == pytest.approx(1 / sort.windows, rel=0.02)
    assert not torch.equal(drawn[0], drawn[1])
    if sort.shape == "periodic" and sort.windows == 1:
        assert torch.equal(drawn[0][:, :, sort.step :], drawn[0][:, :, : -sort.step])


def test_what_moves_the_answers_is_drawn_more_often() -> None:
    probes, rng = Probes(), torch.Generator().manual_seed(0)
    for _ in range(100):
        chosen = torch.arange(len(SORTS))
        probes.note(chosen, torch.where(chosen == 3, 4.0, 0.1))
    _, drawn = probes.draw(torch.zeros(400, 3, 16, 16), rng)
    assert (drawn == 3).sum() > 100
    assert len(set(drawn.tolist())) == len(SORTS)  # and none is given up


def test_the_bound_lets_back_what_is_at_the_edge_and_is_the_same_bound() -> None:
    raw = torch.tensor([5.0, -5.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2).clone().requires_grad_()
    out = yielding(raw, Linf(eps=0.1))
    torch.testing.assert_close(out, bounded(raw, Linf(eps=0.1)))
    (back,) = torch.autograd.grad(out.sum(), raw)  # going down: back for the first, further out for the second
    assert float(back[0, 0, 0, 0]) == pytest.approx(0.1 * BACK)
    assert float(back[0, 0, 0, 1]) < 1e-4
    torch.testing.assert_close(yielding(raw, L2(eps=0.1)), bounded(raw, L2(eps=0.1)))


@pytest.mark.slow
def test_a_generator_learns_from_estimates_alone(tmp_path: Path) -> None:
    victim, test = Counted(weak(), gradients=False), planted(3)
    fitted = Fitted(tmp_path, victim, knowledge="estimated", queries=20_000, epochs=20)
    counted = fitted.checks["queries"]
    assert counted["used"] + counted["measuring"] == victim.forwards
    assert 20_000 - 2 * 96 < counted["used"] <= 20_000  # all but less than a pair an image
    assert fitted.checks["validation"]["any"]["noise_success"] < 0.05
    rows, _ = evaluation.judge(fitted.attack, weak(), fitted.network, test, seed=0, batch=32)
    assert fooled(rows, test.labels) > 0.4  # of 0.69 with the weights


def test_a_run_that_was_killed_goes_on_the_same(tmp_path: Path) -> None:
    straight = Fitted(tmp_path / "a", weak(), **QUIET)
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path / "b", weak(), journal=Cut(tmp_path / "b"), **QUIET)
    resumed = Fitted(tmp_path / "b", weak(), **QUIET)
    assert weights_digest(resumed.network) == weights_digest(straight.network)
    for name in ("stats.jsonl", "checks.json"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


def test_a_budget_is_shared_and_one_too_small_is_refused() -> None:
    assert choosing_of(250_000, 768, 187, 50) == 187
    assert choosing_of(1024, 96, 48, 4) == 48
    with pytest.raises(InputError, match="queries: found 1023, allowed are 1024 and more with 4 epochs of 96 images"):
        choosing_of(1023, 96, 48, 4)


def test_what_divides_by_no_epoch_is_spent_in_the_last_ones(tmp_path: Path) -> None:
    victim = Counted(weak(), gradients=False)
    recipe = AdvGAN.read({"threat": LINF, **QUICK, **QUIET})
    train, pairs = planted(1, 96), []
    rival = Estimated(recipe, victim, train, planted(2, 48))
    rival.open()
    for epochs in (4, 3, 2, 1):
        pairs.append(rival.network.pairs)
        rival.asked.used += 2 * 96 * rival.network.pairs
        rival.learn(victim, train, epochs, torch.Generator())
        rival.asked.used += 48  # the epoch is judged
    assert pairs == [4, 5, 5, 5]
    assert 0 <= rival.asked.left < 2 * 96


def test_the_mode_sets_what_suits_it_and_refuses_what_it_has_not() -> None:
    attack = AdvGAN.read({"threat": LINF, "knowledge": "estimated", "epochs": 10})
    assert (attack.queries, attack.epochs, attack.batch, attack.kappa, attack.access) == (250_000, 10, 64, 1.0, "query")
    assert plugin("attacks", attack.settings()) == attack
    with pytest.raises(InputError, match="objective: features needs layers to look at"):
        AdvGAN.read({"threat": LINF, "knowledge": "estimated", "objective": "features", "kappa": 5.0})
    with pytest.raises(InputError, match="surrogates: only knowledge dynamic or static or transfer"):
        AdvGAN.read({"threat": LINF, **QUICK, "knowledge": "estimated", "surrogates": 2})
