"""How long from a pointer move on the latent plane to the new picture on screen?

    python -m benchmarks.drag [--moves 300] [--url http://127.0.0.1:7860/]

Starts the app (or takes the one at --url), opens the latent plane of the first trained 2-D model in headless Chromium and moves the
real pointer over it, one move per screen frame. A move counts from the event's own time stamp to the animation frame in which a
picture of that place, or of a later one, is on the canvas. Three rounds:
- exact: the blend is switched off, every picture is decoded by the server (targets: median <= 20 ms, p95 <= 40 ms, >= 45 pictures/s);
- blend: the blend of four atlas pictures first, the exact one as soon as it is there (same targets);
- blend, 100 ms of network delay added to every request (target: p95 <= 35 ms).
After each round the pointer rests, and the picture on the canvas must become the exact one of that place.
"""

from __future__ import annotations

import argparse
import math
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
ROUNDS = (  # name, blend, added delay in ms, targets for median and p95 in ms
    ("exact", False, 0, 20, 40), ("blend", True, 0, 20, 40), ("blend, 100 ms delay", True, 100, 35, 35),
)  # fmt: skip
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
WATCH = """() => {
  const plane = document.querySelector(".gv-LatentPlane"), log = window.dragLog = {moves: [], shown: []};
  const place = {};  // "u v" -> number of the move
  plane.querySelector(".back").addEventListener("pointermove", e => {
    log.moves.push(e.timeStamp); place[plane.dataset.at] = log.moves.length - 1;
  });
  new MutationObserver(() => {
    const [kind, ...at] = plane.dataset.shown.split(" "), move = place[at.join(" ")];
    if (move !== undefined) requestAnimationFrame(() => log.shown.push([performance.now(), move, kind]));
  }).observe(plane, {attributes: true, attributeFilter: ["data-shown"]});
}"""
EXACT = '() => { const d = document.querySelector(".gv-LatentPlane").dataset; return d.shown === "exact " + d.at; }'
AGAIN = """async () => {  // the same place once more, without the blend: only the server's picture can appear
  const plane = document.querySelector(".gv-LatentPlane"), back = plane.querySelector(".back"), mix = plane.querySelector(".mix");
  const was = mix.checked, r = back.getBoundingClientRect(), [u, v] = plane.dataset.at.split(" ").map(Number);
  mix.checked = false; delete plane.dataset.shown;
  const at = {clientX: r.left + (u + 3) / 6 * r.width, clientY: r.top + (3 - v) / 6 * r.height};
  back.dispatchEvent(new PointerEvent("pointermove", at));
  while (!plane.dataset.shown) await new Promise(done => setTimeout(done, 20));
  mix.checked = was;
  return Array.from(genviz.pixels(plane.querySelector(".here canvas")));
}"""
PIXELS = '() => Array.from(genviz.pixels(document.querySelector(".gv-LatentPlane .here canvas")))'


def start() -> tuple[str, subprocess.Popen]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "app.py", "--port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return url, process
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit("The app did not start.")


def flat_model() -> tuple[str, str]:
    """Family and menu title of the first trained model with a 2-D latent space."""
    from genviz.checkpoint import cards
    from genviz.families import find

    for card in cards():
        if card.args.get("z_dim") == 2:
            return card.family, find(card.name)[1].title
    raise SystemExit("No model with a 2-D latent space is trained yet.")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def drag(page, moves: int) -> tuple[list[float], float, int]:
    """Move the pointer along a curve; returns latencies in ms, pictures per second, and how many moves never got a picture."""
    box = page.locator(".gv-LatentPlane .back").bounding_box()
    page.evaluate("() => { dragLog.moves.length = 0; dragLog.shown.length = 0; }")
    for i in range(moves):
        a = 2 * math.pi * i / 97
        u, v = 0.5 + 0.38 * math.sin(a), 0.5 + 0.38 * math.sin(1.7 * a + 1)
        page.mouse.move(box["x"] + box["width"] * u, box["y"] + box["height"] * v)
    page.wait_for_function(EXACT, timeout=10000)
    log = page.evaluate("() => dragLog")
    latencies, at = [], 0
    for move, begun in enumerate(log["moves"]):
        while at < len(log["shown"]) and log["shown"][at][1] < move:
            at += 1
        if at < len(log["shown"]):
            latencies.append(log["shown"][at][0] - begun)
    frames = {round(when, 1) for when, _, _ in log["shown"]}
    seconds = (log["moves"][-1] - log["moves"][0]) / 1000
    return latencies, len(frames) / seconds, len(log["moves"]) - len(latencies)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=300)
    parser.add_argument("--url")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    family, title = flat_model()
    url, process = (args.url, None) if args.url else start()
    chromium = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, headless=True)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(url)
            page.locator(f"#tab-{family}-button").click()
            page.locator(f"#tab-{family}-latent-plane-button").click()
            menu = page.locator(f"#tab-{family}").get_by_role("combobox", name="Model")
            menu.click()
            page.get_by_role("option", name=title, exact=True).click()
            page.wait_for_function('() => document.querySelector(".gv-LatentPlane")?.dataset.shown?.startsWith("exact")', timeout=60000)
            page.wait_for_timeout(1500)
            page.evaluate(WATCH)
            mix, network = page.locator(".gv-LatentPlane .mix"), page.context.new_cdp_session(page)
            network.send("Network.enable")
            drag(page, 60)  # warms up
            for name, blend, delay, median, p95 in ROUNDS:
                mix.set_checked(blend)
                network.send("Network.emulateNetworkConditions",
                             {"offline": False, "latency": delay, "downloadThroughput": -1, "uploadThroughput": -1})  # fmt: skip
                latencies, rate, lost = drag(page, args.moves)
                middle, high = percentile(latencies, 0.5), percentile(latencies, 0.95)
                rest = page.evaluate(PIXELS)
                again = page.evaluate(AGAIN)
                exact = max(abs(a - b) for a, b in zip(rest, again, strict=True)) <= 1
                good = middle <= median and high <= p95 and (rate >= 45 or delay) and not lost and exact
                print(f"{name}: median {middle:.1f} ms, p95 {high:.1f} ms, {rate:.0f} pictures/s, {len(latencies)} moves, {lost} without "
                      f"a picture, last picture exact: {'yes' if exact else 'no'}; target {'reached' if good else 'missed'}")  # fmt: skip
            browser.close()
    finally:
        if process:
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    main()
