"""Picture files from outside: what they look like is what is seen, what they claim costs nothing, and programs stay unopened."""

from __future__ import annotations

import ast
import base64
import io
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genviz.data import picture
from genviz.data.drawing import prepared
from genviz.data.exhibit import exhibit
from genviz.data.picture import from_text, open_picture

ROOT = Path(__file__).resolve().parent.parent
DIGIT = np.asarray(Image.fromarray(exhibit("mnist")[0][3]).resize((112, 112), Image.Resampling.BICUBIC))  # bright on black


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def on_paper() -> Image.Image:
    return Image.fromarray(255 - DIGIT)


def png(width: int, height: int, depth: int, colour: int, rows: bytes = b"", *more: tuple[bytes, bytes]) -> bytes:
    """A PNG whose header says what it likes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)


def alike(a: np.ndarray, b: np.ndarray, bound: float = 2.0) -> bool:
    return a.shape == b.shape and np.abs(a.astype(float) - b).mean() <= bound


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "MPO"])
def test_a_drawing_looks_the_same_in_every_format(kind: str) -> None:
    lossy = {"quality": 95} if kind in ("JPEG", "WEBP", "MPO") else {}
    image = on_paper().convert("RGB" if kind != "GIF" else "L")
    extra = {"save_all": True, "append_images": [image.copy()]} if kind == "MPO" else {}  # as telephones write it: a second picture inside
    assert alike(open_picture(saved(image, kind, **lossy, **extra)), 255 - DIGIT)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_depth_of_pixels_has_its_greys(mode: str) -> None:
    image = on_paper()
    if mode == "I;16":
        image = Image.fromarray((255 - DIGIT).astype(np.uint16) * 257)
    elif mode == "1":
        image = image.point(lambda v: 255 * (v > 127)).convert("1")
    else:
        image = image.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else image.convert(mode)
    grey = open_picture(saved(image, "JPEG", quality=95) if mode == "CMYK" else saved(image))
    assert alike(grey, 255 * (DIGIT < 128) if mode == "1" else 255 - DIGIT)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_telephones_picture_stands_upright(orientation: int) -> None:
    upright = 255 - DIGIT[:90]
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T, 6: np.rot90(upright),
              7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1)}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert alike(open_picture(saved(Image.fromarray(np.ascontiguousarray(stored)), "JPEG", quality=95, exif=exif)), upright)


def test_a_damaged_exif_is_no_reason_to_refuse() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\x63\0\0\xff\xff\xff\xff"  # orientation 99, and then into the void
    assert alike(open_picture(saved(on_paper(), "JPEG", quality=95, exif=exif)), 255 - DIGIT)


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_a_transparent_page_is_seen_whether_dark_or_light(ink: int) -> None:
    page = Image.merge("LA", (Image.new("L", (112, 112), ink), Image.fromarray(DIGIT)))
    assert alike(open_picture(saved(page)), DIGIT if ink else 255 - DIGIT)
    assert np.array_equal(prepared(saved(page), "mnist"), prepared(saved(Image.fromarray(DIGIT)), "mnist"))


def test_paper_with_transparent_corners_stays_paper() -> None:
    alpha = np.full((112, 112), 255, np.uint8)
    alpha[:8, :8] = alpha[-8:, -8:] = 0
    assert open_picture(saved(Image.merge("LA", (on_paper(), Image.fromarray(alpha)))))[0, 0] == 255


PROGRAMS = {
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n{} loop\n",
    "pdf": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    "tiff": saved(Image.new("L", (9, 9)), "TIFF"),
    "icon": saved(Image.new("L", (16, 16)), "ICO"),
    "ppm": saved(Image.new("L", (9, 9)), "PPM"),
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_what_is_no_picture_is_refused_and_starts_no_program(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)  # Ghostscript would run the loop of the EPS for ever
    with pytest.raises(ValueError, match="no picture"):
        open_picture(PROGRAMS[kind])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_file_is_refused_in_one_sentence(kind: str, share: float) -> None:
    rng = np.random.default_rng(0)
    file = saved(Image.fromarray(rng.integers(0, 256, (64, 64), np.uint8)), kind)
    with pytest.raises(ValueError) as error:
        open_picture(file[: int(share * len(file))])
    assert str(error.value) in (picture.NO_PICTURE, picture.DAMAGED)


def test_flipped_bytes_are_answered_by_a_sentence_or_a_picture() -> None:
    rng = np.random.default_rng(1)
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        file = saved(on_paper(), kind)
        for _ in range(60):
            bad = np.frombuffer(file, np.uint8).copy()
            bad[rng.integers(0, min(len(bad), 400), 4)] = rng.integers(0, 256, 4)
            try:
                assert open_picture(bad.tobytes()).dtype == np.uint8
            except ValueError as error:
                assert str(error).count("\n") == 0


def test_sizes_are_believed_no_further_than_they_are_allowed() -> None:
    for file in (png(8000, 8000, 8, 2), png(30000, 30000, 8, 0), png(5000, 5000, 1, 0), saved(Image.new("1", (10000, 2000)), "GIF")):
        with pytest.raises(ValueError, match="pixels; choose"):
            open_picture(file)
    many = saved(Image.new("L", (64, 64)), "JPEG")
    with pytest.raises(ValueError, match="damaged"):
        open_picture(many[:-2] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 200 + b"\xff\xd9")
    with pytest.raises(ValueError, match="8 MB"):
        open_picture(bytes(picture.LARGEST + 1))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc")
def test_little_memory_is_used_whatever_a_file_claims(tmp_path: Path) -> None:
    side = 8192
    files = {
        "huge.png": saved(Image.new("L", (8000, 8000), 255), compress_level=1),
        "telephone.jpg": saved(Image.new("RGB", (8160, 6120), (230, 220, 210)), "JPEG", quality=60),
        "large.png": saved(Image.new("RGB", (4000, 4000), "white"), compress_level=1),
        "texts.png": png(64, 64, 8, 0, bytes(64 * 65), *[(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20 - 1)))] * 500),
        "frames.webp": saved(Image.new("L", (side, side)), "WEBP", method=0),
    }
    for name, file in files.items():
        (tmp_path / name).write_bytes(file)
    child = """
import sys
from pathlib import Path
from genviz.data.picture import open_picture
most = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024  # getrusage counts the parent's peak too
open_picture(Path(sys.argv[2]).read_bytes())
before = most()
for name in sys.argv[3:]:
    try:
        print(name, *open_picture(Path(sys.argv[1], name).read_bytes()).shape, most() - before)
    except ValueError as error:
        print(name, "refused", most() - before)
"""
    small = tmp_path / "small.webp"
    small.write_bytes(saved(on_paper(), "WEBP"))
    order = ["huge.png", "texts.png", "frames.webp", "telephone.jpg", "large.png"]
    asked = [sys.executable, "-c", child, str(tmp_path), str(small), *order]
    told = subprocess.run(asked, capture_output=True, encoding="utf-8", cwd=ROOT, check=True).stdout.splitlines()
    shapes, megabytes = {t.split()[0]: t.split()[1:-1] for t in told}, {t.split()[0]: int(t.split()[-1]) for t in told}
    assert shapes["huge.png"] == shapes["frames.webp"] == ["refused"] and max(megabytes[n] for n in order[:3]) < 40
    assert shapes["telephone.jpg"] == ["768", "1024"] and megabytes["telephone.jpg"] < 60
    assert shapes["large.png"] == ["1024", "1024"] and megabytes["large.png"] < 160


def test_two_pictures_are_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    both, lock, inside, peak = threading.Barrier(2), threading.Lock(), 0, 0

    def slow(file: bytes) -> np.ndarray:
        nonlocal inside, peak
        with lock:
            inside += 1
            peak = max(peak, inside)
        both.wait(300)  # two are always inside together, never three
        with lock:
            inside -= 1
        return np.zeros((1, 1), np.uint8)

    monkeypatch.setattr(picture, "_decoded", slow)
    callers = [threading.Thread(target=open_picture, args=(b"",)) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(300)
    assert peak == 2 and inside == 0


def test_base64_is_read_as_people_send_it() -> None:
    file = saved(on_paper())
    plain = base64.b64encode(file).decode()
    lines = base64.encodebytes(file).decode()
    ways = (plain, lines, lines.replace("\n", "\r\n"), base64.urlsafe_b64encode(file).decode(), plain.rstrip("="),
            "data:image/png;base64," + plain, "DATA:image/jpeg;charset=x;base64," + lines)  # fmt: skip
    assert all(from_text(way) == file for way in ways)
    for wrong in ("hello!", "é" * 8, "A", None, 7, ["a"]):
        with pytest.raises(ValueError, match="no picture"):
            from_text(wrong)


def test_a_grey_picture_of_28_pixels_stays_as_it_is() -> None:
    for data in ("mnist", "fashion_mnist"):
        for image in exhibit(data)[0][:300]:
            assert np.array_equal(prepared(saved(Image.fromarray(image)), data), image)
    paper = saved(Image.fromarray(255 - exhibit("mnist")[0][5]))
    assert np.abs(prepared(paper, "mnist").astype(int) - exhibit("mnist")[0][5]).max() < 13  # what is fainter than 5 % is taken for paper


def test_every_file_is_opened_with_a_list_of_formats() -> None:
    for path in [*(ROOT / "genviz").rglob("*.py"), ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Image.open"):
                assert "formats" in {k.arg for k in node.keywords}, f"{path}:{node.lineno} lets Pillow choose among forty formats"
