"""Fooling images from scratch: a class-conditional DCGAN, then a search in its latent space.

The generator is trained without the victim, one label for each class (or subtype) and magnification. Its natural
images, and images found by searching near them, count where oracle classifiers agree on the class; the victim is
never asked.

Source:
    Song, Shu, Kushman, Ermon, "Constructing Unrestricted Adversarial Examples with Generative Models",
    NeurIPS 2018.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, ClassVar, Literal, cast

import pandas as pd
from pydantic import Field

from robustgan.errors import InputError, RunError
from robustgan.gan.recipe import Count, Given, Hunt, Play, Watch
from robustgan.interfaces import Forger, Samples, State
from robustgan.journal import Journal, Tick
from robustgan.team import Team
from robustgan.tensors import Network


class DCGAN(Forger):
    """Class-conditional DCGAN (spectral norm, projection, hinge loss, DiffAugment, averaged weights)."""

    trains: ClassVar[bool] = True
    later: ClassVar[tuple[str, ...]] = ("search",)

    size: Annotated[int, Field(ge=16, le=512, multiple_of=16)] = 64  # pixels; must be the `size` of the images
    labels: Literal["class", "subtype"] = "class"  # one for each class, or subtype, at each magnification
    latent: Count = 128  # length of a latent vector
    embedding: Count = 64  # length of a label's vector
    ngf: Count = 64  # channels of the generator's last hidden layer; doubled in each layer before
    ndf: Count = 64  # channels of the discriminator's first layer; doubled in each layer after
    norm: Literal["batch", "virtual"] = "batch"  # of the generator (gan/virtual_norm.py)
    training: Play = Play()
    monitor: Watch = Watch()
    search: Hunt = Hunt()
    extractor: Given | None = None  # a further network on whose features fidelity is measured

    def share(self, team: Team) -> None:
        """Every process gets its part of each batch."""
        team.check(self.training.batch, f"{self.label}.training.batch")

    def seat(self, oracles: int) -> None:
        """One oracle alone judges; of several, those beyond `search.helping` do."""
        helping = self.search.helping
        if oracles <= helping and (oracles, helping) != (1, 1):
            raise InputError(
                f"{self.label}: search.helping: found {helping} with {oracles} under `oracles`, of which none is left "
                f"to judge. Add an oracle, or set `helping` to {max(1, oracles - 1)} or less."
            )

    def build(self) -> Network:
        """Generator and discriminator, untrained; which label means what is set in `fit`."""
        from robustgan.gan.conditional import Gan

        spectral = self.training.loss != "wgan-gp"
        widths, by_subtype = (self.ngf, self.ndf), self.labels == "subtype"
        return Gan(self.size, widths, self.latent, self.embedding, spectral, by_subtype, self.norm == "virtual")

    def fit(self, model: Network, train: Samples, val: Samples, state: State, journal: Journal) -> None:
        """Train on training patients and choose on validation patients; the victim is not used.

        The further extractors choose nothing. Writes `progress.png` (a row a look), `sheet.png` and `status.json`
        beside the journal; `fool` refuses a generator that failed.

        Raises:
            InputError: the images, their subtypes, or the extractor's file do not fit the settings, a class is missing
            (at one magnification), or the journal's checkpoint is of another training.
            RunError: the losses stay not finite.
        """
        import torch

        from robustgan.attacks._sides import check_classes, identity_of
        from robustgan.gan.conditional import Gan
        from robustgan.gan.extractors import extractors
        from robustgan.gan.game import play
        from robustgan.gan.outcome import conclude
        from robustgan.gan.sheet import write_sheet

        check_classes(self.label, train, "training", apart=True)
        check_classes(self.label, val, "validation")
        trained = {name: value for name, value in self.settings().items() if name not in ("name", "search")}
        journal.identify(identity_of(trained, (train, val)))
        others = extractors(self.extractor, train.images.device)
        seed = int(torch.randint(0, 2**62, (), generator=state.rng))
        game, pool, bench = play(cast(Gan, state.network), train, val, self.training, self.monitor, seed, journal)
        status, rows = conclude(game, pool, bench, val, others)
        write_sheet(rows, journal.folder / "sheet.png")
        (journal.folder / "status.json").write_text(json.dumps(status, indent=1) + "\n", "utf-8")

    def fool(
        self,
        model: Network,
        oracles: Sequence[Network],
        network: Network,
        held_out: Samples,
        seed: int,
        folder: Path,
        tick: Tick,
    ) -> pd.DataFrame:
        """Make images, search, and let the oracles say which labels hold.

        The first `search.helping` oracles hold the label in the search, the others judge; one oracle alone only judges.
        Walks from benign to malignant go to `walk.png` and `walk.csv`, where the searches ended to
        `searched.safetensors`, so that people can be shown what was found.

        Returns:
            GENERATED rows of real, natural, searched and walked images, without the columns that name the run's cell.

        Raises:
            InputError: no oracle, none left to judge, or the victim is among them.
            RunError: the generator failed in training.
        """
        from robustgan.batches import Room
        from robustgan.freezing import frozen
        from robustgan.gan import forgery, points
        from robustgan.gan.conditional import Gan
        from robustgan.gan.latent_walk import walks, write_walks
        from robustgan.gan.monitor import RULES
        from robustgan.gan.search import Parties
        from robustgan.gan.sheet import write_sheet

        if not oracles or any(oracle is model for oracle in oracles):
            raise InputError("dcgan: needs at least one oracle, and the victim cannot be one: it would judge itself.")
        self.seat(len(oracles))
        gan = cast(Gan, network)
        rule = RULES[int(gan.status)]
        if rule != "ok":
            raise RunError(
                f"{self.label}: the generator failed in training ({rule}, see its status.json), "
                "so no fooling rate is computed from it. Change `training`, or give it more images."
            )
        n = self.search.helping if len(oracles) > 1 else 0
        helping, judging = oracles[:n], oracles[n:]
        with ExitStack() as stack:
            for held in (model, network, *oracles):
                stack.enter_context(frozen(held))
            jury, room = forgery.Jury(model, judging), Room(self.search.batch)
            forged = forgery.forge(Parties(gan, model, helping), jury, self.search, room, seed, tick)
            real = forgery.real(jury, held_out, room)
            walked = walks(gan, jury, seed, room)
        write_sheet(forgery.fooling_rows(gan, forged), folder / "fooling.png")
        write_walks(walked, folder)
        points.save(forged.searched, folder)
        return pd.concat([real, forged.rows], ignore_index=True)
