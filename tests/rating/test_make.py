"""The folder that raters get: balanced, blind, the same for the same seed, and made of what the run judged."""

import hashlib
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from robustgan import tables
from robustgan.errors import InputError
from robustgan.gan import points
from robustgan.rating import choice, folder, key, source
from robustgan.rating.source import Pool
from tests.rating.conftest import TINY, write_run


@pytest.fixture(scope="session")
def pool(report: Path) -> Pool:
    return source.pool(report, None)


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


# ---------------------------------------------------------------------------------------------- the run's images


def test_generated_images_are_those_that_the_run_judged(report: Path, pool: Pool) -> None:
    made = pool.of(np.flatnonzero(pool.rows["kind"] == "generated"))
    modes = made.rows["mode"].value_counts().to_dict()
    assert modes == {"natural": 4 * TINY.search.images, "searched": 4 * TINY.search.starts}
    rows = tables.read(next(report.parents[1].glob("runs/forged/*/generated.parquet")), tables.GENERATED)
    rows = rows.set_index("image_id")
    moved = rows["distance"][rows["mode"] == "searched"] > 0
    assert 0 < moved.sum() < len(moved), "some searches must move and some must not, or nothing is tested"
    for pixels, row in zip(made.pixels, made.rows.itertuples(), strict=True):
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == row.image_id
        judged = rows[rows["mode"] == row.mode].loc[row.image_id]
        assert judged["label"] == row.label
        assert judged["accepted"] == row.accepted
    assert 0 < made.rows["accepted"].sum() < len(made.rows)


def test_a_run_that_kept_no_points_has_natural_images_alone(tmp_path: Path) -> None:
    report = write_run(tmp_path)
    path = tmp_path / "runs" / "forged" / "ee-dcgan" / points.FILE
    path.unlink()
    found = source.pool(report, None).rows
    assert set(found["mode"]) == {"", "natural"}
    save_file({"z": torch.zeros(3, 6), "labels": torch.tensor([0, 1, 4])}, path)
    with pytest.raises(InputError, match="labels that this generator does not have; allowed are 0 to 3"):
        source.pool(report, None)
    save_file({"z": torch.zeros(3, 5), "labels": torch.tensor([0, 1, 2])}, path)
    with pytest.raises(InputError, match="no finite `z` of 6 numbers"):
        source.pool(report, None)


def test_of_two_classifiers_one_is_chosen_by_name(tmp_path: Path) -> None:
    report = write_run(tmp_path)
    write_run(tmp_path, victim="v")
    with pytest.raises(InputError, match=r"several classifiers were attacked: m, v\. Choose one: --model"):
        source.pool(report, None)
    (work,) = source.forged(report, None, "v")
    assert set(tables.read(work.folder / "generated.parquet", tables.GENERATED)["model"]) == {"v"}


def test_real_images_are_of_test_patients(report: Path, pool: Pool) -> None:
    folds = tables.read(next(report.parents[1].glob("runs/split/*/fold.parquet")), tables.FOLDS)
    shown = pool.rows[pool.rows["kind"] == "real"]
    assert set(shown["group"]) == set(folds["group"][folds["split"] == "test"])
    assert not set(shown["group"]) & set(folds["group"][folds["split"] == "train"])


def test_another_generator_than_the_judged_one_is_refused(tmp_path: Path) -> None:
    report = write_run(tmp_path)
    path = tmp_path / "runs" / "forged" / "ee-dcgan" / "generated.parquet"
    rows = tables.read(path, tables.GENERATED)
    tables.write(rows.assign(image_id="0" * 64), tables.GENERATED, path)
    with pytest.raises(InputError, match="none of the 48 natural images has the bytes that the run judged"):
        source.pool(report, None)


def test_a_run_folder_stands_for_its_one_report(report: Path) -> None:
    assert source.report_of(report.parents[1]) == report


def test_mistakes_about_the_run_are_explained(tmp_path: Path, report: Path) -> None:
    with pytest.raises(InputError, match="neither a report nor a folder"):
        source.pool(tmp_path, None)
    alone = tmp_path / "alone" / "reports" / "small"
    shutil.copytree(report, alone)
    with pytest.raises(InputError, match="A report alone holds no single images"):
        source.pool(alone, None)
    (alone / "run.json").write_text(json.dumps({"stages": []}))
    with pytest.raises(InputError, match="no attack of this report made images from scratch"):
        source.pool(alone, None)
    (alone / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json: broken"):
        source.pool(alone, None)


def test_a_stage_that_is_gone_is_named(tmp_path: Path) -> None:
    report = write_run(tmp_path)
    shutil.rmtree(tmp_path / "runs" / "generator")
    with pytest.raises(InputError, match=r"the stage `generator` \(cc\) of this run is gone"):
        source.pool(report, None)


def test_of_two_generators_one_is_chosen_by_name(tmp_path: Path) -> None:
    report = write_run(tmp_path)
    write_run(tmp_path, TINY.model_copy(update={"name": "other"}))
    with pytest.raises(InputError, match=r"several attacks made images: dcgan, other\. Choose one: --attack"):
        source.forged(report, None)
    with pytest.raises(InputError, match=r"found `othr`.*Did you mean `other`"):
        source.forged(report, "othr")
    assert [work.settings["attack"]["name"] for work in source.forged(report, "other")] == ["other"]


def test_several_reports_are_listed(tmp_path: Path) -> None:
    write_run(tmp_path)
    write_run(tmp_path, TINY.model_copy(update={"name": "other"}), "second")
    with pytest.raises(InputError, match=r"several reports; name one: .*second, .*small"):
        source.report_of(tmp_path)


# ------------------------------------------------------------------------------------------------------ the choice


def test_kinds_and_labels_are_balanced_and_a_tenth_comes_twice(pool: Pool, tmp_path: Path) -> None:
    rows = folder.make(pool, tmp_path / "sheet", 40, 0)
    first = rows[rows["repeat_of"] == ""]
    assert set(first.groupby(["kind", "label", "magnification"]).size()) == {10}
    assert len(first) == 80
    assert not first["image_id"].duplicated().any()
    again = rows[rows["repeat_of"] != ""]
    assert again["kind"].value_counts().to_dict() == {"real": 4, "generated": 4}
    originals = first.set_index("id").loc[again["repeat_of"]]
    assert originals["image_id"].tolist() == again["image_id"].tolist()
    place = {name: i for i, name in enumerate(rows["id"])}
    apart = [place[a] - place[b] for a, b in zip(again["id"], again["repeat_of"], strict=True)]
    assert min(apart) >= len(first) // 6


def test_half_of_the_generated_ones_are_searched_and_each_mode_is_drawn_as_if_alone(pool: Pool) -> None:
    shown = choice.choose(pool.rows, 16, 0)
    rows = pool.rows.iloc[shown.image].assign(mode=shown.mode)[shown.first < 0]
    made = rows[rows["kind"] == "generated"]
    searched = made[made["mode"].str.contains("searched")]
    assert set(searched.groupby(["label", "magnification"]).size()) == {2}
    ids = {mode: set(pool.rows["image_id"][pool.rows["mode"] == mode]) for mode in ("natural", "searched")}
    for mode, image_id in zip(made["mode"], made["image_id"], strict=True):
        assert all(image_id in ids[one] for one in mode.split(" "))


def test_a_mode_is_drawn_without_favour(pool: Pool) -> None:
    """Images of both modes are as frequent among the natural ones shown as among all natural ones."""
    rows = pool.rows
    both = set(rows["image_id"][rows["mode"] == "natural"]) & set(rows["image_id"][rows["mode"] == "searched"])
    share = {mode: rows["image_id"][rows["mode"] == mode].isin(both).mean() for mode in ("natural", "searched")}
    found: dict[str, list[bool]] = {"natural": [], "searched": []}
    for seed in range(100):
        shown = choice.choose(rows, 16, seed)
        for mode, image_id in {
            (m, i) for m, i in zip(shown.mode, rows["image_id"].iloc[shown.image], strict=True) if m
        }:
            for one in mode.split(" "):
                found[one].append(image_id in both)
    for mode, hits in found.items():
        assert abs(np.mean(hits) - share[mode]) < 0.05


def test_only_accepted_images_are_shown_where_that_is_asked_for(pool: Pool) -> None:
    found = pool.accepted().rows
    assert found["accepted"][found["kind"] == "generated"].all()
    assert (found["kind"] == "real").sum() == (pool.rows["kind"] == "real").sum()


def test_real_images_come_from_as_many_patients_as_there_are(pool: Pool) -> None:
    shown = pool.rows.iloc[choice.choose(pool.rows, 16, 0).image].drop_duplicates("image_id")
    real = shown[shown["kind"] == "real"]
    assert (real.groupby(["label", "magnification"])["group"].nunique() == 4).all()


@pytest.mark.parametrize(
    ("images", "said"),
    [(3, "found 3, allowed is at least 4: one of each: benign 40X"), (400, "Allowed is at most 48")],
)
def test_too_many_and_too_few_images_are_refused(pool: Pool, images: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        choice.choose(pool.rows, images, 0)


def test_a_magnification_without_both_classes_is_left_out(pool: Pool) -> None:
    rows = pool.rows[~((pool.rows["magnification"] == 100) & (pool.rows["label"] == 1))].reset_index(drop=True)
    assert choice.cells_of(rows) == [(0, 40), (1, 40)]
    with pytest.raises(InputError, match="both classes are needed as real and as generated images; found benign 40X"):
        choice.cells_of(rows[rows["label"] == 0])


# ------------------------------------------------------------------------------------------------------- blindness


@pytest.fixture(scope="module")
def blind(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("blind") / "sheet"
    return out, folder.make(pool, out, 40, 0)


def test_the_folder_holds_no_key(blind: tuple[Path, pd.DataFrame]) -> None:
    out, rows = blind
    assert set(contents(out)) == {"ratings.csv", "rate.html", *(f"images/{name}.png" for name in rows["id"])}
    assert not key.key_path(out).is_relative_to(out)
    assert key.key_path(out).is_file()
    everything = b"".join(contents(out).values())
    for secret in {*rows["image_id"], *rows["group"]} - {""}:
        assert secret.encode() not in everything
    assert [line.split(",") for line in (out / "ratings.csv").read_text().splitlines()] == [
        list(key.COLUMNS),
        *([name, "", "", "", ""] for name in rows["id"]),
    ]


def test_files_differ_in_nothing_but_their_pixels(blind: tuple[Path, pd.DataFrame], pool: Pool) -> None:
    out, rows = blind
    assert len({(out / "images" / f"{name}.png").stat().st_size for name in rows["id"]}) == 1
    known = dict(zip(pool.rows["image_id"], pool.pixels, strict=True))
    for name, image_id in zip(rows["id"], rows["image_id"], strict=True):
        data = (out / "images" / f"{name}.png").read_bytes()
        assert chunks(data) == {"IHDR", "IDAT", "IEND"}, "no text, no time, no profile"
        assert np.array_equal(np.asarray(Image.open(out / "images" / f"{name}.png")), known[image_id])


def chunks(data: bytes) -> set[str]:
    found, at = set(), 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        found.add(name.decode())
        at += 12 + length
    return found


def test_neither_order_nor_ids_give_the_kind_away(pool: Pool) -> None:
    """Over many seeds, position, id and the kind before say no more of an image than they would by chance."""
    early, low, same, count = 0, 0, 0, 0
    for seed in range(60):
        shown = choice.choose(pool.rows, 40, seed)
        names = choice.ids_of(shown, pool.rows["image_id"].tolist(), seed)
        real = (pool.rows["kind"] == "real").to_numpy()[shown.image]
        n = len(real)
        early += int(real[: n // 2].sum())
        low += int(real[np.argsort(names)[: n // 2]].sum())
        same += int((real[1:] == real[:-1]).sum())
        count += n
    limit = 2 * np.sqrt(count)  # four standard deviations of the number of heads in `count` throws, and more of these
    assert abs(early - count / 4) < limit
    assert abs(low - count / 4) < limit
    assert abs(same - (count - 60) / 2) < limit


def test_ids_are_unique_and_no_spreadsheet_takes_them_for_numbers(blind: tuple[Path, pd.DataFrame]) -> None:
    names = blind[1]["id"]
    assert names.is_unique
    assert names.str.fullmatch(r"x[0-9a-f]{10}").all()


def test_same_seed_same_bytes_another_seed_another_sheet(pool: Pool, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder.make(pool, tmp_path / name, 8, seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert key.key_path(tmp_path / "a").read_bytes() == key.key_path(tmp_path / "b").read_bytes()
    assert not set(contents(tmp_path / "a")) & {n for n in contents(tmp_path / "c") if n.startswith("images")}


def test_nothing_is_written_over(pool: Pool, tmp_path: Path) -> None:
    folder.make(pool, tmp_path / "a", 8, 0)
    with pytest.raises(InputError, match="a: exists already"):
        folder.make(pool, tmp_path / "a", 8, 0)
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(InputError, match=r"a\.key\.csv: exists already"):
        folder.make(pool, tmp_path / "a", 8, 0)


def test_the_key_comes_back_as_it_was_written(blind: tuple[Path, pd.DataFrame]) -> None:
    pd.testing.assert_frame_equal(key.read_key(blind[0]), blind[1])


def test_a_key_from_before_modes_is_of_natural_images(blind: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    blind[1].drop(columns="mode").to_csv(tmp_path / "sheet.key.csv", index=False)
    found = key.read_key(tmp_path / "sheet")
    assert (found["mode"] == np.where(found["kind"] == "real", "", "natural")).all()


def test_a_key_that_is_gone_or_changed_is_refused(blind: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no key there"):
        key.read_key(tmp_path / "sheet")
    rows = blind[1]
    for broken in (rows.assign(id="x"), rows.assign(repeat_of="x"), rows.iloc[:0]):
        tables.write(broken, key.KEY, tmp_path / "sheet.key.csv")
        with pytest.raises(InputError, match="not a key as"):
            key.read_key(tmp_path / "sheet")
