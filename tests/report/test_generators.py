"""Are the generators sound? Folds are brought together by their images, and what is odd is said."""

import dataclasses
import math
from typing import Any

import pytest

from robustgan.metrics.generated import FAITHFUL
from robustgan.report.document import Paragraph, Table
from robustgan.report.folder import Folder, read
from robustgan.report.sections import generated, generators, rates
from robustgan.report.sections.generators import Check, checks

from . import planted


def side(images: int, hide: float, invent: float, **more: float | None) -> dict[str, Any]:
    def one(n: int, success: float) -> dict[str, Any]:
        return {"images": n, "success": success, "noise_success": 0.02, "saturated": 0.5, "cosine": 0.1, **more}

    both = one(2 * images, (hide + invent) / 2)
    return {"any": both, "hide": one(images, hide), "invent": one(images, invent), "one_sidedness": hide - invent}


def content(images: int, hide: float, invent: float, training: float = 0.5, **more: Any) -> dict[str, Any]:
    return {
        "validation": side(images, hide, invent, **more),
        "training": side(images, training, training),
        "queries": more.pop("queries", None),
    }


def test_folds_weigh_by_their_images() -> None:
    (found,) = checks({"advgan on x, fold 1": content(30, 0.9, 0.5), "advgan on x, fold 2": content(10, 0.5, 0.5)})
    assert found.name == "advgan on x"
    assert found.hide == pytest.approx(0.8)
    assert found.invent == pytest.approx(0.5)
    assert found.success == pytest.approx(0.65)
    assert found.asked is None
    assert found.images == {"success": 80, "hide": 40, "invent": 40, "training": 80}


def test_nothing_measured_is_nan_and_questions_add_up() -> None:
    entries = {
        f"advgan on x, fold {fold}": {
            **content(0, 0.0, 0.0, cosine=None),
            "queries": {"budget": 9, "used": fold, "again": 2 * fold},
        }
        for fold in (1, 2)
    }
    (found,) = checks(entries)
    assert math.isnan(found.success)
    assert math.isnan(found.cosine)
    assert found.asked == 3
    assert found.again == 6
    assert "advgan on x: 6 images were asked about once more" in " ".join(generators._notes([found]))


SOUND = Check("g", 0.7, 0.75, 0.65, 0.72, 0.01, 0.5, 0.2, None, 0, {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"hide": 0.95, "invent": 0.4}, "mostly hides tumours"),
        ({"hide": 0.3, "invent": 0.9}, "mostly invents tumours"),
        ({"training": 0.95}, "learned its training patients by heart"),
        ({"cosine": 0.97}, "a universal one"),
        ({"saturated": 0.995}, "sign-saturated: 99.5 %"),
        ({"saturated": 0.985}, ""),
        ({"hide": math.nan}, ""),
    ],
)
def test_what_is_odd_is_said(change: dict[str, Any], said: str) -> None:
    found = " ".join(generators._findings([SOUND._replace(**change)]))
    assert said in found
    assert bool(found) == bool(said)


def one_a_class(hide: float, invent: float) -> dict[str, Any]:
    """Changes that are alike within a class, and unlike between the two: over both they look like many."""
    made = content(40, 0.6, 0.6, cosine=0.35)
    for goal, cosine in (("hide", hide), ("invent", invent)):
        made["validation"][goal] = {**made["validation"][goal], "cosine": cosine}
    return made


@pytest.mark.parametrize(("hide", "invent", "said"), [(0.989, 0.3, True), (0.3, 0.989, True), (0.8, 0.85, False)])
def test_one_change_a_class_is_one_change(hide: float, invent: float, said: bool) -> None:
    (found,) = checks({"advgan linf 8/255 on x, fold 1": one_a_class(hide, invent)})
    assert found.cosine == pytest.approx(max(hide, invent))
    assert any("one change" in text for text in generators._findings([found])) == said


def test_of_a_single_direction_the_other_is_not_asked() -> None:
    made = content(40, 0.6, 0.6)
    made["validation"]["invent"] = dict.fromkeys(made["validation"]["any"]) | {"images": 0}
    (found,) = checks({"advgan on x, fold 1": made})
    assert found.cosine == pytest.approx(0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("generators") / "one"
    return read(planted.build(path, repeats=1, levels=(8,), magnifications=(40,)))


def shown(folder: Folder, entries: dict[str, Any], **attack: Any) -> tuple[list[dict[str, str]], str]:
    """The table's rows by the heads of their columns, and all sentences below it."""
    attacks = [{"kind": "advgan", "name": "", "threat": {"norm": "linf"}, **attack}]
    run = {**folder.run, "checks": entries, "config": planted.config(attacks=attacks)}
    (section,) = generators.sections(dataclasses.replace(folder, run=run))
    _, table, *rest = section.blocks
    assert isinstance(table, Table)
    rows = [dict(zip(table.columns, (cell.text for cell in row), strict=True)) for row in table.rows]
    return rows, " ".join(block.text for block in rest if isinstance(block, Paragraph))


@pytest.mark.parametrize("form", ["image", "universal"])
def test_one_change_is_no_finding_where_one_was_asked_for(folder: Folder, form: str) -> None:
    _, said = shown(folder, {"advgan linf 8/255 on x, fold 1": one_a_class(1.0, 1.0)}, form=form)
    assert ("a universal one" in said) == (form == "image")


def test_what_surrogates_judged_is_not_shown_as_what_the_classifier_did(folder: Folder) -> None:
    entries = {
        "advgan linf 8/255 on x, fold 1": {**content(40, 0.5, 0.5), "judge": "classifier"},
        "blind linf 8/255 on x, fold 1": {**content(40, 1.0, 0.78, training=0.2), "judge": "surrogates"},
    }
    (seen, blind), said = shown(folder, entries)
    judged = [head for head in seen if head.endswith((", %", "points")) and not head.startswith("Saturated")]
    assert len(judged) == 6
    assert all("surrogates" not in seen[head] for head in judged)
    assert all(blind[head] == "n/a (judged by surrogates)" for head in judged)
    assert blind["Saturated, %"] == seen["Saturated, %"] == "50.0"
    assert "blind linf 8/255 on x may not ask the classifier. Its own surrogates" in said
    assert "fooled in 89.0 % of validation images" in said
    assert "learned its training patients by heart" not in said


@pytest.mark.parametrize(
    ("fooled", "said"),
    [(0.61, "the limit is how far the generator gets against them"), (0.95, "is how well they stand in for it")],
)
def test_what_surrogates_withstand_is_told_from_what_is_lost_on_the_way(
    folder: Folder, fooled: float, said: str
) -> None:
    made, other = content(40, 0.7, 0.5), content(40, 0.7, 0.5)
    made["validation"]["surrogates"] = {"fooled": fooled, "agree": 0.93}
    _, text = shown(folder, {"asking linf 8/255 on x, fold 1": made, "seeing linf 8/255 on x, fold 1": other})
    assert (
        f"fool the surrogates in {100 * fooled:.1f} % and the classifier in 60.0 %, and the two say the same of 93.0 %"
        in text
    )
    assert said in text
    assert "seeing" not in text


@pytest.mark.parametrize("share", [FAITHFUL, FAITHFUL - 0.025])
def test_where_labels_do_not_hold_no_rate_is_shown(folder: Folder, share: float) -> None:
    rows = folder.generated
    place = rows.groupby(["mode", "label"]).cumcount() / rows.groupby(["mode", "label"])["label"].transform("size")
    malignant = rows["label"] == 1
    made = rows.assign(oracle_mean=0.95 * (~malignant | (place < share)), magnification=40)
    section = generated.section(dataclasses.replace(folder, generated=made))
    heads = {head for block in section.blocks if isinstance(block, Table) for head in block.columns}
    expected = set(rates.COLUMNS.values()) if share >= FAITHFUL else set(rates.LABELS.values())
    assert heads & {*rates.COLUMNS.values(), *rates.RECOGNISED.values(), rates.ABOVE} == (
        expected | ({*rates.RECOGNISED.values(), rates.ABOVE} if share >= FAITHFUL else set())
    )
