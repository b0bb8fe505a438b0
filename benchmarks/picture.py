"""How long does it take to turn 64 samples of 28 x 28 into something that a browser shows?

    python -m benchmarks.picture [--runs 50]

Interleaved in one run, on the first 64 test images of each data set:
- ours: an unscaled grey PNG (genviz.plots.pictures), enlarged by CSS;
- the path of gr.Image: the grid enlarged to 896 x 896, then gr.Image's own postprocess (WebP through Pillow into its cache folder), and
  with format="png".
Target: <= 0.5 ms for ours. Median milliseconds and bytes are printed, and whether each way shows the very same pixels.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from genviz.data.exhibit import exhibit  # noqa: E402
from genviz.plots import pictures  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    runs = parser.parse_args().runs
    import gradio as gr

    webp, png = gr.Image(), gr.Image(format="png")

    def through(component: gr.Image, x: np.ndarray) -> bytes:
        large = np.repeat(np.repeat(pictures.grid(x), 4, axis=0), 4, axis=1)
        return Path(component.postprocess(large).path).read_bytes()

    ways = {
        "ours, 224 x 224 PNG": lambda x: pictures.png(pictures.grid(x)),
        "gr.Image, 896 x 896 WebP": lambda x: through(webp, x),
        "gr.Image, 896 x 896 PNG": lambda x: through(png, x),
    }
    for data in ("mnist", "fashion_mnist"):
        rng = np.random.default_rng(0)
        images = exhibit(data)[0][:64, None].astype(np.float32) / 127.5 - 1
        spent: dict[str, list[float]] = {name: [] for name in ways}
        size = {}
        for run in range(runs + 1):
            x = images[rng.permutation(64)]  # another picture each time, so that no cache helps
            for name, way in ways.items():
                begun = time.perf_counter()
                file = way(x)
                if run:  # the first run warms up
                    spent[name].append((time.perf_counter() - begun) * 1000)
                size[name] = len(file)
                if run == 0:
                    shown = np.asarray(Image.open(io.BytesIO(file)).convert("L"))
                    exact = np.array_equal(shown[:: len(shown) // 224, :: len(shown) // 224], pictures.grid(x))
                    print(f"{data}, {name}: the same pixels: {'yes' if exact else 'no'}")
        first = statistics.median(spent["ours, 224 x 224 PNG"])
        for name in ways:
            ms = statistics.median(spent[name])
            print(f"{data}, {name}: {ms:.2f} ms (median of {runs}), {size[name]:,} bytes, {ms / first:.0f} x ours")
        print(f"{data}: target <= 0.5 ms: {'reached' if first <= 0.5 else 'missed'}")


if __name__ == "__main__":
    main()
