"""The steps of a run, one function each: read inputs, do the work, fill a folder.

A step sees only `work.settings` and its inputs, which are what its key covers. Heavy imports stand inside the steps: a
plan needs none of them, and they say which code a result depends on (`store.code_digest`).
"""

from __future__ import annotations

import json
from typing import Any

from robustgan.interfaces import Access
from robustgan.work import Work

# --------------------------------------------------------------------------------------------------------- data


def manifest(work: Work) -> None:
    """List every image of the data set (and make them first, where the data set is made)."""
    from robustgan import config, tables

    dataset = config.plugin("datasets", work.settings["dataset"])
    root = dataset.locate(work.data, work.folder)
    dataset.make(root, work.tick)
    tables.write(dataset.manifest(root, work.tick), tables.MANIFEST, work.folder / "manifest.parquet")


def pixels(work: Work) -> None:
    """Decode every image once, to one size, into one uint8 array on disk."""
    from robustgan import config, images, tables
    from robustgan.experiment import Pixels

    dataset = config.plugin("datasets", work.settings["dataset"])
    root = dataset.locate(work.data, work.inputs["manifest"])
    rows = tables.read(work.inputs["manifest"] / "manifest.parquet", tables.MANIFEST)
    images.decode(root, rows, Pixels.read(work.settings["pixels"]), work.folder / "pixels.npy", work.tick)


def split(work: Work) -> None:
    """Put patients on sides, and prove that none is on two."""
    from robustgan import splits, tables
    from robustgan.experiment import Split

    rows = tables.read(work.inputs["manifest"] / "manifest.parquet", tables.MANIFEST)
    rule = Split.read(work.settings["split"])
    folds = splits.assign(rows, rule, work.settings["fold"])
    splits.check_disjoint(folds, rule.leak)
    tables.write(folds, tables.FOLDS, work.folder / "fold.parquet")
    tables.write(splits.leaks(folds), tables.LEAKS, work.folder / "leaks.csv")


# --------------------------------------------------------------------------------------------- networks that learn


def classifier(work: Work) -> None:
    """Build a classifier and train it on the training patients, or load the user's."""
    from robustgan.launch import together

    together(learned, work)


def learned(work: Work) -> None:
    """`classifier`, in each of the processes that train together."""
    import torch

    from robustgan import config
    from robustgan.experiment import Training
    from robustgan.inputs import device_of, samples, save
    from robustgan.training import probe, train

    model = config.plugin("models", work.settings["model"])
    torch.manual_seed(work.settings["seed"])
    network = model.build().to(device_of(work))
    probe(network, samples(work, "val").images[:1])
    if model.trains:
        rule = Training.read(work.settings["training"])
        train(network, samples(work, "train"), samples(work, "val"), rule, work.settings["seed"], work.journal)
    save(network, work)


def generator(work: Work) -> None:
    """Train an attack's generator on training patients, against the frozen classifier."""
    from robustgan.launch import together

    together(fitted, work)


def fitted(work: Work) -> None:
    """`generator`, in each of the processes that train together.

    An attack that is not white-box gets a classifier whose gradients it cannot have, and which counts what it asks.

    Raises:
        RunError: the attack asked the classifier, though it says that it does not, or says another number of images.
    """
    import torch

    from robustgan import config
    from robustgan.counting import Tallied
    from robustgan.errors import RunError
    from robustgan.inputs import classifier_of, device_of, samples, save
    from robustgan.interfaces import State

    attack = config.plugin("attacks", work.settings["attack"])
    torch.manual_seed(work.settings["seed"])
    network = attack.build().to(device_of(work))
    rng = torch.Generator().manual_seed(work.settings["seed"])
    victim = classifier_of(work, "classifier") if "classifier" in work.inputs else torch.nn.Identity()
    if attack.access != "white-box":
        victim = Tallied(victim, work.journal.tally)
    attack.fit(victim, samples(work, "train"), samples(work, "val"), State(network, rng), work.journal)
    if attack.access == "none" and isinstance(victim, Tallied) and victim.total:
        raise RunError(f"{attack.label}: asked the classifier, though its access is `none`.")
    if isinstance(victim, Tallied):
        victim.compare(attack.label, work.folder / "checks.json")
    save(network, work)


def inspected(work: Work) -> None:
    """Look for faults of a classifier that would make every number meaningless.

    Raises:
        InputError: a classifier that the user brought has a fatal one.
    """
    from robustgan import config, inspection
    from robustgan.inputs import classifier_of, samples

    val = samples(work, "val")
    found = inspection.inspect(classifier_of(work, "classifier"), val.images, val.labels)
    (work.folder / "inspection.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    card = json.loads((work.inputs["classifier"] / "card.json").read_text("utf-8"))
    if not config.plugin("models", card["model"]).trains:
        inspection.refuse(found, card["name"])


def operating(work: Work) -> None:
    """Choose the classifier's operating point on the validation patients of all folds, each scored out of its fold."""
    import pandas as pd

    from robustgan.batches import Room
    from robustgan.errors import InputError
    from robustgan.experiment import OperatingPoint
    from robustgan.inputs import classifier_of, samples
    from robustgan.metrics.operating import choose
    from robustgan.scoring import scores_of

    rule, room = OperatingPoint.read(work.settings["rule"]), Room(work.settings["batch"])
    found = []
    for name in sorted(name for name in work.inputs if name.startswith("classifier.")):
        val = samples(work, "val", f"split.{name.partition('.')[2]}")
        network = classifier_of(work, name)
        score = scores_of(network, val.images, room).double().cpu().numpy()
        found.append(val.rows[["image_id", "group", "label"]].assign(score=score))
    rows = pd.concat(found, ignore_index=True)
    if rule.rule == "half":
        raise InputError("operating.rule: `half` chooses nothing.")
    threshold = choose(rows["score"].to_numpy(), rows["label"].to_numpy(), rule.rule, rule.sensitivity)
    malignant, called = rows["label"] == 1, rows["score"] >= threshold
    content = {
        "name": work.settings["name"],
        "rule": rule.model_dump(mode="json"),
        "threshold": threshold,
        "sensitivity": float(called[malignant].mean()),
        "specificity": float((~called[~malignant]).mean()),
        "images": len(rows),
        "groups": int(rows["group"].nunique()),
    }
    (work.folder / "operating.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


# ------------------------------------------------------------------------------------------------------- attacks


def attacked(work: Work) -> None:
    """Attack every test image, judge what would be written, keep one row an image and a few pictures."""
    import pandas as pd

    from robustgan import evaluation, gallery, tables
    from robustgan.inputs import attack_of, classifier_of, further, generator_of, identity, named, samples
    from robustgan.stored import parts
    from robustgan.survival import survival

    attack, victim, test = attack_of(work), classifier_of(work, "classifier"), samples(work, "test")
    network, batch, most = generator_of(work, attack), work.settings["batch"], work.settings["gallery"]
    frames, shown = [], []
    with evaluation.ready(attack, victim, network, test, work.settings["seed"], batch, **_hasty(work)) as duel:
        for first, some in parts(test, batch):
            rows, images = evaluation.fought(duel, some, further(work.tick, first, len(test)))
            saved = survival(victim, some.images, images, duel.room)
            frames.append(pd.concat([named(some, rows, identity(work, attack)), saved], axis=1))
            shown.append(gallery.take(gallery.Pictures(frames[-1], some.images, images), most))
    frame = pd.concat(frames, ignore_index=True)
    tables.write(frame[list(tables.PREDICTIONS)], tables.PREDICTIONS, work.folder / "predictions.parquet")
    tables.write(frame[list(tables.SURVIVAL)], tables.SURVIVAL, work.folder / "survival.parquet")
    gallery.write(gallery.take(gallery.joined(shown), most), work.folder)


def transferred(work: Work) -> None:
    """Show the images that attack one classifier to another, and keep its verdicts."""
    import pandas as pd

    from robustgan import evaluation, tables, transfer
    from robustgan.freezing import frozen
    from robustgan.inputs import attack_of, classifier_of, further, generator_of, identity, named, samples
    from robustgan.stored import parts

    attack, test = attack_of(work), samples(work, "test")
    source, target = classifier_of(work, "classifier"), classifier_of(work, "target")
    network, batch, seed = generator_of(work, attack), work.settings["batch"], work.settings["seed"]
    judge = json.loads((work.inputs["target"] / "card.json").read_text("utf-8"))["name"]
    frames = []
    with evaluation.ready(attack, source, network, test, seed, batch, **_hasty(work)) as duel, frozen(target):
        for first, some in parts(test, batch):
            rows = transfer.judge(duel, target, some, further(work.tick, first, len(test)))
            frames.append(named(some, rows, {**identity(work, attack), "model": judge}))
    tables.write(pd.concat(frames, ignore_index=True), tables.PREDICTIONS, work.folder / "predictions.parquet")


def _hasty(work: Work) -> dict[str, Any]:
    """How the attack is sped up, as `evaluation.ready` takes it."""
    return {name: work.settings[name] for name in ("precision", "compiled") if name in work.settings}


def attacked_part(work: Work) -> None:
    """`attacked`, of one slice of the test images; nothing where the slice is empty."""
    from robustgan.slices import narrowed

    with narrowed(work) as mine:
        if mine is not None:
            attacked(mine)


def transferred_part(work: Work) -> None:
    """`transferred`, of one slice of the test images; nothing where the slice is empty."""
    from robustgan.slices import narrowed

    with narrowed(work) as mine:
        if mine is not None:
            transferred(mine)


def forged(work: Work) -> None:
    """Make images from scratch that fool the classifier; let oracles say whether their labels hold."""
    from robustgan import tables
    from robustgan.inputs import attack_of, classifier_of, generator_of, identity, samples

    attack, victim, held_out = attack_of(work), classifier_of(work, "classifier"), samples(work, "test")
    names = sorted((name for name in work.inputs if name.startswith("oracle")), key=lambda name: (len(name), name))
    judges = [classifier_of(work, name) for name in names]
    network, seed = generator_of(work, attack), work.settings["seed"]
    frame = attack.fool(victim, judges, network, held_out, seed, work.folder, work.tick).assign(
        **identity(work, attack)
    )
    tables.write(frame, tables.GENERATED, work.folder / "generated.parquet")


def probed(work: Work) -> None:
    """Measure whether the attacks are strong enough to believe, on some of the test images."""
    from robustgan import config, probing, tables
    from robustgan.experiment import Strength
    from robustgan.inputs import classifier_of, samples

    rule = Strength.read(work.settings["rule"])
    card = json.loads((work.inputs["classifier"] / "card.json").read_text("utf-8"))
    access: Access = "white-box" if config.plugin("models", card["model"]).gradients else "query"
    rows, facts = probing.measure(
        classifier_of(work, "classifier"), samples(work, "test"), rule, work.settings["seed"], work.tick, access
    )
    names = {"model": work.settings["name"], "fold": work.settings["fold"]}
    tables.write(rows.assign(**names), tables.PROBES, work.folder / "probes.parquet")
    (work.folder / "probing.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


# -------------------------------------------------------------------------------------------------------- report


def report(work: Work) -> None:
    """Gather what the run produced in one folder, and render the report from that folder alone."""
    from robustgan import evidence
    from robustgan.report import render

    evidence.gather(work.inputs, work.settings, work.folder)
    render.render(work.folder)
