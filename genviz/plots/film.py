"""A film as a file that slides and messengers show: GIF, and MP4 as H.264, with a strip of text under the pictures.

Pictures are enlarged by whole numbers without smoothing, so that a pixel of a sample stays a square. A GIF of grey pictures is exact; MP4
is H.264 in yuv420p at 30 frames a second, which browsers, telephones and PowerPoint play. The encoder comes with the package `av`. The
font is Pillow's own, since a machine may have none.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

GAP = 2  # pixels of a sample between two of them, as in the player
MARGIN = 16  # around everything
NARROWEST = 440  # of a sheet, so that a strip has room for words
INK, PAPER, DOT = 40, 255, (214, 84, 20)  # the colours of words, of the sheet, and of points as on the page
RATE = 30  # frames of an MP4 in a second


def lay(cells: np.ndarray, columns: int, zoom: int) -> np.ndarray:
    """Images (n, H, W) or (n, H, W, 3) uint8, side by side and enlarged -> (rows, columns, 3) uint8."""
    n, height, width = cells.shape[:3]
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + GAP) - GAP, min(n, columns) * (width + GAP) - GAP, 3), PAPER, np.uint8)
    for i, cell in enumerate(cells):
        y, x = i // columns * (height + GAP), i % columns * (width + GAP)
        sheet[y : y + height, x : x + width] = cell if cell.ndim == 3 else cell[..., None]
    return sheet.repeat(zoom, 0).repeat(zoom, 1)


def scatter(points: np.ndarray, half: float, side: int = 448) -> np.ndarray:
    """Points (n, 2) of the square [-half, half] as dots -> (side, side, 3) uint8; x2 points upwards."""
    sheet = Image.new("RGB", (side, side), (238, 242, 246))
    pen, place = ImageDraw.Draw(sheet), (points * (1, -1) / half + 1) * side / 2
    for x, y in place:
        pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), DOT)
    return np.asarray(sheet)


def sheet(panes: Sequence[tuple[str, np.ndarray]], now: Sequence[str] = (), strip: Sequence[str] = ()) -> np.ndarray:
    """Labelled pictures (h, w, 3) in a row, above a strip of text: `now` is what changes, a line each, so that all sheets of a film have
    the same size; `strip` is broken into lines. Height and width are even."""
    labels = [_text((name,), picture.shape[1], 17) if name else None for name, picture in panes]
    label = max((words.shape[0] + 7 for words in labels if words is not None), default=0)
    inner = max(sum(p.shape[1] for _, p in panes) + MARGIN * (len(panes) - 1), NARROWEST)
    tall = max(p.shape[0] for _, p in panes) + label
    texts = [_text(tuple(now), inner, 18, False)] * bool(now) + [_text(tuple(strip), inner, 16)] * bool(strip)
    page = np.full((MARGIN + tall + sum(t.shape[0] + 8 for t in texts) + MARGIN, inner + 2 * MARGIN, 3), PAPER, np.uint8)
    x = MARGIN + (inner - sum(p.shape[1] for _, p in panes) - MARGIN * (len(panes) - 1)) // 2
    for words, (_, picture) in zip(labels, panes, strict=True):
        h, w = picture.shape[:2]
        page[MARGIN : MARGIN + h, x : x + w] = picture
        if words is not None:
            page[MARGIN + h + 4 : MARGIN + h + 4 + words.shape[0], x : x + w] = words[..., None]
        x += w + MARGIN
    y = MARGIN + tall + 8
    for words in texts:
        page[y : y + words.shape[0], MARGIN : MARGIN + inner] = words[..., None]
        y += words.shape[0] + 8
    return np.pad(page, ((0, page.shape[0] % 2), (0, page.shape[1] % 2), (0, 0)), constant_values=PAPER)


@lru_cache(maxsize=32)
def _text(lines: tuple[str, ...], width: int, size: int, broken: bool = True) -> np.ndarray:
    """Dark words on paper, broken into lines of `width` pixels or cut there -> (h, width) uint8."""
    font = ImageFont.load_default(size)
    rows = [part for line in lines for part in (wrap(line, width, font) if broken else (line,))]
    height = round(1.35 * size)
    image = Image.new("L", (width, height * len(rows)), PAPER)
    pen = ImageDraw.Draw(image)
    for row, line in enumerate(rows):
        pen.text((0, row * height), line, INK, font)
    return np.asarray(image)


def wrap(line: str, width: int, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    """Break a line of settings after its commas, one without commas at its blanks."""
    here, joint = "", ", " if ", " in line else " "
    for part in line.split(joint):
        longer = here + joint + part if here else part
        if here and font.getlength(longer) > width:
            yield here + joint.rstrip()
            longer = part
        here = longer
    yield here


def png(picture: np.ndarray, about: str) -> bytes:
    """A PNG file with its story in the metadata."""
    told, file = PngImagePlugin.PngInfo(), io.BytesIO()
    told.add_text("Software", "GenViz")
    told.add_itxt("Description", about)
    _image(picture).save(file, "PNG", pnginfo=told)
    return file.getvalue()


def gif(pictures: Iterable[np.ndarray], seconds: Sequence[float]) -> bytes:
    """An endless GIF of pictures (h, w, 3), each shown for its seconds (hundredths are the finest a GIF knows)."""
    images, file = map(_image, pictures), io.BytesIO()
    first = next(images)
    first.save(file, "GIF", save_all=True, append_images=images, duration=[max(20, round(100 * s) * 10) for s in seconds], loop=0)
    return file.getvalue()


def _image(picture: np.ndarray) -> Image.Image:
    grey = (picture == picture[..., :1]).all()
    return Image.fromarray(picture[..., 0] if grey else picture)


def mp4(pictures: Iterable[np.ndarray], seconds: Sequence[float]) -> bytes:
    """An MP4 of pictures (h, w, 3) of even height and width, each shown for its seconds. ValueError where there is no encoder."""
    try:
        import av
    except ImportError:
        raise ValueError("This computer has no encoder for MP4; install it with: pip install av") from None
    file, done, until = io.BytesIO(), 0, 0.0
    with av.open(file, "w", format="mp4") as box:
        stream = box.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "18"})
        stream.pix_fmt, stream.thread_count = "yuv420p", 1  # other people's films need the cores too
        for picture, lasts in zip(pictures, seconds, strict=True):
            if not done:
                stream.height, stream.width = picture.shape[:2]
            until += lasts
            while done < max(round(until * RATE), 1):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts, frame.time_base = done, Fraction(1, RATE)
                box.mux(stream.encode(frame))
                done += 1
        box.mux(stream.encode(None))
    return index_first(file.getvalue())


def index_first(file: bytes) -> bytes:
    """An MP4 with its index (the box "moov") before the pictures, so that it plays while it arrives.

    An encoder knows the index only at the end; FFmpeg would move it (its flag "faststart") in a file on disk, but not in memory. A box is
    four bytes of length, four of name, and what is in it; the tables "stco" hold where in the file pictures lie, which the move changes.
    """
    whole = list(_boxes(file, 0, len(file)))
    (start, end), pictures = next((s, e) for name, s, e in whole if name == b"moov"), next(s for name, s, _ in whole if name == b"mdat")
    if start < pictures:
        return file
    index = bytearray(file[start:end])
    for at, until in _tables(index, 0, len(index)):
        places = np.frombuffer(index, ">u4", (until - at - 16) // 4, at + 16)
        index[at + 16 : until] = (places + len(index)).astype(">u4").tobytes()
    first = whole[0][2]  # the end of "ftyp", which says what file this is
    return file[:first] + bytes(index) + file[first:start] + file[end:]


def _boxes(file: bytes | bytearray, at: int, until: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of the boxes that follow one another."""
    while at < until:
        length = int.from_bytes(file[at : at + 4], "big")
        length = int.from_bytes(file[at + 8 : at + 16], "big") if length == 1 else length or until - at
        yield bytes(file[at + 4 : at + 8]), at, at + length
        at += length


def _tables(file: bytearray, at: int, until: int) -> Iterator[tuple[int, int]]:
    """Begin and end of every table of places."""
    for name, start, end in _boxes(file, at, until):
        if name == b"stco":
            yield start, end
        elif name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            yield from _tables(file, start + 8, end)
