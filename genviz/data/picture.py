"""Picture files from outside: opened with care, bounded from their header, the right way up, as grey levels.

Pillow by itself opens forty formats, among them EPS, which starts Ghostscript, and makes room for whatever size a header claims. Here only
the formats below are tried, each in Pillow's own code; what a header says is believed no further than LARGEST and PIXELS; and at most two
files are decoded at a time, whoever asks. A JPEG is decoded at the fraction that is needed, so that a telephone's 50 megapixels cost
little memory. Only the first picture of a file is read.

Numpy and Pillow only.
"""

from __future__ import annotations

import base64
import binascii
import io
import threading

import numpy as np
from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
NO_PICTURE = "This file is no picture that can be read here; choose a PNG, JPEG, WebP, GIF or BMP file."
DAMAGED = "This picture file is damaged or incomplete; save or send it once more."
LARGEST = 8 * 2**20  # bytes of a file
TOO_LARGE = "This file is larger than 8 MB; choose a smaller picture."
PIXELS = 2**24  # of a picture that must be decoded whole: 4,096 x 4,096
PIXELS_JPEG = 2**26  # of a JPEG, which is decoded at an eighth where it is so large
SCANS = 100  # of a progressive JPEG: each is a walk over the whole picture
SIDE = 1024  # longest side of what comes back
WAIT = 20.0  # seconds that a picture waits for its turn

_turn = threading.BoundedSemaphore(2)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF's orientation -> what sets it right


def from_text(text: str) -> bytes:
    """The bytes of a file from base64: plain or for URLs, with or without line breaks, padding and `data:...;base64,` before it."""
    if not isinstance(text, str) or len(text) > 1.5 * LARGEST:  # line breaks are a few per cent
        raise ValueError(NO_PICTURE if not isinstance(text, str) else TOO_LARGE)
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    text = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(NO_PICTURE) from None


def open_picture(file: bytes) -> np.ndarray:
    """The bytes of a picture file -> grey levels (H, W) uint8, upright, at most 1,024 on a side.

    What is transparent is laid on white, or on black where light ink stands on a transparent page. Raises ValueError with one sentence for
    what is no picture, is damaged, or is larger than can be read here.
    """
    if len(file) > LARGEST:
        raise ValueError(TOO_LARGE)
    if not _turn.acquire(timeout=WAIT):
        raise ValueError("Too many pictures are being read at the moment; try again soon.")
    try:
        return _decoded(file)
    finally:
        _turn.release()


def _decoded(file: bytes) -> np.ndarray:
    try:
        picture = Image.open(io.BytesIO(file), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ValueError("This picture has too many pixels; choose a smaller one.") from None
    except Exception:  # Pillow raises half a dozen kinds for a damaged header
        raise ValueError(NO_PICTURE) from None
    with picture:
        _check_size(picture, file)
        try:
            picture.draft("L" if picture.mode in ("L", "RGB") else None, (SIDE, SIDE))
            turned = picture.getexif().get(0x0112)
            grey = _grey(picture)
        except Exception:  # and as many again for damaged pixels
            raise ValueError(DAMAGED) from None
    upright = _UPRIGHT.get(turned)
    grey.thumbnail((SIDE, SIDE))
    return np.array(grey if upright is None else grey.transpose(upright))


def _check_size(picture: Image.Image, file: bytes) -> None:
    """ValueError for what a header says and this machine should not try."""
    width, height = picture.size
    jpeg = picture.format in ("JPEG", "MPO")
    most = PIXELS_JPEG if jpeg and not picture.info.get("progressive") else PIXELS  # of a progressive one, a draft saves no memory
    if width * height > most:
        raise ValueError(f"This picture has {width:,} x {height:,} pixels; choose one of at most {most // 10**6} million.")
    if jpeg and file.count(b"\xff\xda") > SCANS:
        raise ValueError(DAMAGED)


def _grey(picture: Image.Image) -> Image.Image:
    """The pixels as a grey image of 8 bits, reduced on the way where they are many."""
    picture.load()
    if picture.mode.startswith("I"):  # 16 bits, which Pillow would clip
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    clear = picture.has_transparency_data
    if picture.mode in ("1", "P", "LA", "PA") or (clear and picture.mode != "RGBA"):
        picture = picture.convert("RGBA" if clear else "L")
    if (factor := max(picture.size) // SIDE) > 1:
        picture = picture.reduce(factor)
    if not clear:
        return picture.convert("L")
    alpha, ink = np.asarray(picture.getchannel("A"), np.float32), np.asarray(picture.convert("L"), np.float32)
    light = np.median(border(alpha)) < 128 and (ink * alpha).sum() > 127.5 * alpha.sum()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if light else "white"), picture).convert("L")


def border(x: np.ndarray) -> np.ndarray:
    """The outermost pixels of x (H, W), (2 H + 2 W,)."""
    return np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])
