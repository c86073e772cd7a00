import hashlib
import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from robustgan import images
from robustgan.errors import InputError, RunError
from robustgan.experiment import Pixels
from robustgan.journal import silent


def picture(height: int = 12, width: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def png(width: int, height: int, depth: int, colour: int, content: bytes) -> bytes:
    """A PNG whose header says what it is told to say."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def manifest_of(root: Path, names: list[str], finding: str = "") -> pd.DataFrame:
    ids = [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names]
    return pd.DataFrame({"path": names, "image_id": ids, "finding": finding})


# ---------------------------------------------------------------------------------------------------- reading


def test_inspect_says_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    images.to_png(picture(), path)
    found = images.inspect(path)
    assert (found.width, found.height) == images.measure(path) == (20, 12)
    assert found.image_id == hashlib.sha256(path.read_bytes()).hexdigest()


def test_pixels_do_not_depend_on_the_encoding_but_on_the_shape(tmp_path: Path) -> None:
    one = picture()
    images.to_png(one, tmp_path / "a.png")
    Image.fromarray(one).save(tmp_path / "b.tif", compression="tiff_lzw")
    images.to_png(one.reshape(20, 12, 3), tmp_path / "c.png")
    a, b, c = (images.inspect(tmp_path / name) for name in ("a.png", "b.tif", "c.png"))
    assert a.pixels == b.pixels != c.pixels
    assert a.image_id != b.image_id


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16", "CMYK"])
def test_other_modes_are_refused_by_name(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    Image.new(mode, (8, 8)).save(path)
    with pytest.raises(InputError, match="allowed is RGB with 8 bits a channel") as caught:
        images.inspect(path)
    assert f"found mode {mode}" in str(caught.value)
    assert str(path) in str(caught.value)
    assert "magick" in str(caught.value)


def test_rgb_of_16_bits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(png(4, 4, 16, 2, (b"\0" + bytes(24)) * 4))
    with Image.open(path) as opened:
        assert opened.mode == "RGB"  # which is why the header must be read
    with pytest.raises(InputError, match="found mode RGB, 16 bits a channel"):
        images.inspect(path)


@pytest.mark.parametrize("keep", [0, 7, 20, 33, 60, 0.5, 0.95])
def test_a_truncated_png(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "cut.png"
    images.to_png(picture(64, 64), path)
    data = path.read_bytes()
    path.write_bytes(data[: keep if keep >= 1 else int(keep * len(data))])
    with pytest.raises(InputError, match=r"corrupt or truncated|not an image"):
        images.inspect(path)


def test_a_flipped_bit_anywhere_in_a_png_is_found(tmp_path: Path) -> None:
    path = tmp_path / "flipped.png"
    images.to_png(picture(), path)
    data = path.read_bytes()
    for place in range(0, len(data) - 12, 7):  # the end chunk carries nothing
        broken = bytearray(data)
        broken[place] ^= 4
        path.write_bytes(bytes(broken))
        with pytest.raises(InputError):
            images.inspect(path)


def test_a_huge_png_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png(30_000, 30_000, 8, 2, b""))
    tracemalloc.start()
    with pytest.raises(InputError, match="30000 x 30000 = 900,000,000 pixels, allowed are 64,000,000"):
        images.inspect(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(("width", "height"), [(9_000, 9_000), (15_000, 15_000)])  # Pillow warns; Pillow refuses
def test_a_huge_tiff_is_refused(tmp_path: Path, width: int, height: int) -> None:
    path, small = tmp_path / "huge.tif", io.BytesIO()
    Image.new("RGB", (8, 8)).save(small, format="TIFF")
    data = bytearray(small.getvalue())
    for tag, value in ((256, width), (257, height)):
        entry = next(e for e in (struct.pack("<HHI", tag, kind, 1) for kind in (3, 4)) if e in data)
        place = data.index(entry) + len(entry)
        data[place : place + 4] = struct.pack("<I", value)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="huge"):
        images.inspect(path)


def test_other_formats_and_no_files(tmp_path: Path) -> None:
    Image.fromarray(picture()).save(tmp_path / "image.gif")
    with pytest.raises(InputError, match="allowed are PNG, JPEG, TIFF"):
        images.inspect(tmp_path / "image.gif")
    with pytest.raises(InputError, match="no such file"):
        images.inspect(tmp_path / "nothing.png")
    with pytest.raises(InputError, match="cannot be read"):
        images.inspect(tmp_path)


def test_a_tiff_of_two_pages(tmp_path: Path) -> None:
    page = Image.fromarray(picture())
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    with pytest.raises(InputError, match="several pages"):
        images.inspect(tmp_path / "pages.tif")


# ------------------------------------------------------------------------------------------------ to one size


def test_an_image_of_the_right_size_stays_as_it_is() -> None:
    one = picture(32, 32)
    for how in ("crop", "pad", "stretch"):
        assert (images.fit(Image.fromarray(one), Pixels(size=32, fit=how)) == one).all()


def test_crop_takes_the_central_square() -> None:
    wide = np.zeros((32, 96, 3), np.uint8)
    wide[:, 32:64] = 200
    assert (images.fit(Image.fromarray(wide), Pixels(size=32, fit="crop")) == 200).all()
    assert (images.fit(Image.fromarray(wide.transpose(1, 0, 2)), Pixels(size=32, fit="crop")) == 200).all()


def test_pad_centres_on_white_and_keeps_everything() -> None:
    wide = np.full((16, 64, 3), 50, np.uint8)
    square = images.fit(Image.fromarray(wide), Pixels(size=32, fit="pad"))
    assert (square[12:20] == 50).all()
    assert (square[:12] == 255).all()
    assert (square[20:] == 255).all()


def test_stretch_fills_the_square() -> None:
    halves = np.zeros((16, 64, 3), np.uint8)
    halves[:, 32:] = 240
    square = images.fit(Image.fromarray(halves), Pixels(size=16, fit="stretch"))
    assert (square[:, :5] < 8).all()
    assert (square[:, -5:] > 232).all()


def test_shrinking_is_antialiased() -> None:
    board = np.indices((256, 256)).sum(0) % 2 * 255
    one = np.repeat(board[..., None], 3, 2).astype(np.uint8)
    small = images.fit(Image.fromarray(one), Pixels(size=32))[4:-4, 4:-4].astype(int)
    assert (abs(small - 127.5) < 3).all()  # picking single pixels would give 0 or 255


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(1, 50), (50, 1), (2, 50), (1, 1), (1, 40_000)])
def test_odd_sizes_fit_too(how: str, shape: tuple[int, int]) -> None:
    square = images.fit(Image.fromarray(picture(*shape)), Pixels(size=64, fit=how))
    assert square.shape == (64, 64, 3)


def test_every_rule_has_its_sentence() -> None:
    said = {images.sentence(Pixels(size=48, fit=how)) for how in ("crop", "pad", "stretch")}
    assert len(said) == 3
    assert all("48 x 48" in one for one in said)


# ----------------------------------------------------------------------------------------------------- decode


def test_decode_writes_every_row_in_order(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(150)]  # more than are decoded ahead
    for i, name in enumerate(names):
        images.to_png(picture(16, 16, seed=i), tmp_path / name)
    rows = manifest_of(tmp_path, names)
    rows.loc[7, "finding"] = "duplicate of 3.png"
    seen: list[int] = []
    images.decode(tmp_path, rows, Pixels(size=16), tmp_path / "out.npy", lambda done, total, text: seen.append(done))
    array = np.load(tmp_path / "out.npy", mmap_mode="r", allow_pickle=False)
    assert array.shape == (150, 16, 16, 3)
    assert array.dtype == np.uint8
    assert not array[7].any()
    assert all((array[i] == picture(16, 16, seed=i)).all() for i in range(150) if i != 7)
    assert seen == list(range(1, 151))


def test_decode_gives_the_same_bytes_again(tmp_path: Path) -> None:
    for i in range(5):
        images.to_png(picture(30, 40, seed=i), tmp_path / f"{i}.png")
    rows = manifest_of(tmp_path, [f"{i}.png" for i in range(5)])
    for out in ("a.npy", "b.npy"):
        images.decode(tmp_path, rows, Pixels(size=32), tmp_path / out, silent)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_a_file_that_changed_after_it_was_listed(tmp_path: Path) -> None:
    images.to_png(picture(), tmp_path / "a.png")
    rows = manifest_of(tmp_path, ["a.png"])
    images.to_png(picture(seed=1), tmp_path / "a.png")
    with pytest.raises(InputError, match="changed after it was listed"):
        images.decode(tmp_path, rows, Pixels(size=16), tmp_path / "out.npy", silent)


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    images.to_png(picture(), tmp_path / "a.png")
    rows = manifest_of(tmp_path, ["a.png"])
    with pytest.raises(RunError, match="cannot be written"):
        images.decode(tmp_path, rows, Pixels(size=16), tmp_path / "no folder/out.npy", silent)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk(tmp_path: Path) -> None:
    images.to_png(picture(), tmp_path / "a.png")
    rows = manifest_of(tmp_path, ["a.png"] * 40)
    with pytest.raises(RunError, match="No space left"):
        images.decode(tmp_path, rows, Pixels(size=64), Path("/dev/full"), silent)


def test_memory_stays_flat(tmp_path: Path) -> None:
    images.to_png(picture(16, 16), tmp_path / "a.png")
    rows = manifest_of(tmp_path, ["a.png"] * 400)  # 400 x 192 KiB = 75 MiB on disk
    tracemalloc.start()
    images.decode(tmp_path, rows, Pixels(size=256), tmp_path / "out.npy", silent)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "out.npy").stat().st_size > 75 << 20
    assert peak < (images.AHEAD + 20) * 200 * 1024
