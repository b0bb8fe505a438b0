"""Media as values: a text, a sound and a picture in colour walk, travel, are saved and read back, without a line of their own elsewhere."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Iterator

import numpy as np
import pytest
from media import ALPHABET, MODELS, NAMED, RATE, SETS
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from genviz import media
from genviz.engine import Engine
from genviz.medium import MEDIA
from genviz.ui import api, export, film, link

LETTERS, TONES, COLOURS = SETS


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine("cpu", backend="inline", stage="media:MediaStage") as made:
        yield made


@pytest.fixture(scope="module")
def web(engine: Engine) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=[*film.routes(engine), *export.routes(engine)])) as client:
        yield client


def ask(web: TestClient, **order) -> tuple[dict, str, list[dict]]:
    """The order, the job and the shots of a film, as a page gets them."""
    order = {"walk": "sample", "n": 2, "seed": 3, "knobs": {}, "frames": 60, **order}
    job = web.post("/genviz/submit", json=order).json()["job"]
    shots: list[dict] = []
    while True:
        view = web.get(f"/genviz/wait?job={job}&have={len(shots)}&paint=score:signed").json()
        shots += view["shots"]
        if view["status"] not in ("waiting", "running"):
            assert view["status"] == "done", view
            return order, job, shots


def written(shots: list[dict]) -> list[str]:
    """What a page has put together of the parts of a text."""
    lines = [""] * shots[0]["n"]
    for shot in shots:
        lines = [line[: shot["from"]] + part for line, part in zip(lines, shot["text"], strict=True)]
        assert {len(line) for line in lines} == {shot["length"]}
    return lines


def test_a_text_arrives_letter_by_letter_and_only_what_is_new(web: TestClient) -> None:
    _, _, shots = ask(web, model="toys/bigram", data="letters", frames=1000)
    assert len(shots) == 25 and {s["medium"] for s in shots} == {"text"}
    assert sum(len(part) for shot in shots for part in shot["text"]) == 2 * 25, "a letter was sent twice"
    texts = written(shots)
    assert all(set(t) <= set(ALPHABET) and t[0] == "\n" for t in texts) and texts[0] != texts[1]
    letter, p = shots[0]["next"][0]
    assert letter == "a" and p == 1.0, "after a line break comes an a, always"


def test_a_prompt_goes_on_as_it_began(web: TestClient) -> None:
    order, job, shots = ask(web, model="toys/bigram", data="letters", walk="complete", n=1, given={"prompt": "abc d"})
    assert written(shots)[0].startswith("abc d") and len(written(shots)[0]) == 29
    code = web.post("/genviz/python", json={"order": order}).json()["code"]
    assert 'given={"prompt": "abc d"}' in code
    refused = web.post("/genviz/submit", json={**order, "given": {"prompt": "abcx"}}).json()["error"]
    assert refused == "Letters has no 'x'; it is written in line breaks blanks a b c d."


def test_a_sound_arrives_part_by_part_with_its_rate(web: TestClient) -> None:
    _, _, shots = ask(web, model="toys/tone", data="tones")
    parts = [np.frombuffer(base64.b64decode(s["audio"]), "<i2").reshape(2, -1) for s in shots]
    whole = np.concatenate(parts, 1) / 32767
    assert whole.shape == (2, RATE // 4) and [s["rate"] for s in shots] == [RATE] * 9
    spectrum = np.abs(np.fft.rfft(whole[0]))
    assert sorted(np.argsort(spectrum)[-2:] * 4) == [440, 660]


def test_a_picture_in_colour_keeps_its_colours_everywhere(web: TestClient, engine: Engine) -> None:
    order, job, shots = ask(web, model="toys/colour", data="colours", n=3, aux=["score"])
    assert shots[-1]["side"] == 32

    def opened(url: str) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[-1]))))

    sprite = opened(shots[-1]["sprite"])
    assert sprite.shape == (64, 64, 3)
    places = [(0, 0), (0, 32), (32, 0)]
    assert [tuple(sprite[y + 5, x + 5]) for y, x in places] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert opened(shots[-1]["aux"]["score"]).shape == (64, 64, 3)
    saved = web.post("/genviz/save", json={"job": job, "kind": "png", "order": order})
    picture = np.asarray(Image.open(io.BytesIO(saved.content)).convert("RGB"))
    assert all((picture == colour).all(-1).sum() > 1000 for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    answer = api.made(COLOURS, engine.look(job).shots[-1].x)["images"]
    assert [tuple(opened(one)[0, 0]) for one in answer] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    sent = base64.b64encode(bytes([255, 0, 0] * 32 * 32)).decode()
    x = media.of("image").read("x", sent, COLOURS)
    assert x.shape == (1, 3, 32, 32) and x[0, :, 0, 0].tolist() == [1, -1, -1]
    with pytest.raises(ValueError, match="32 x 32 pixels in colour"):
        media.of("image").read("x", base64.b64encode(bytes(784)).decode(), COLOURS)


@pytest.mark.parametrize(("model", "data"), [(m, d) for m, (_, d) in MODELS.items()])
def test_every_kind_of_file_can_be_saved(web: TestClient, model: str, data: str) -> None:
    order, job, shots = ask(web, model=model, data=data)
    starts = {"png": b"\x89PNG", "gif": b"GIF8", "wav": b"RIFF", "txt": b"\n", "mp4": b"\0\0\0"}
    kinds = media.of(NAMED[data].medium).KINDS
    assert {"png", "gif", "mp4"} <= set(kinds)
    for kind, mime in kinds.items():
        saved = web.post("/genviz/save", json={"job": job, "kind": kind, "order": order})
        assert saved.status_code == 200 and saved.headers["content-type"] == mime, saved.text
        assert saved.content.startswith(starts[kind]) and f".{kind}" in saved.headers["content-disposition"]
        if kind == "txt":
            assert saved.text.rstrip("\n").split("\n" + "-" * 40 + "\n")[1] == written(shots)[1].rstrip("\n")
        if kind == "wav":
            with wave.open(io.BytesIO(saved.content), "rb") as sound:
                assert (sound.getframerate(), sound.getnframes()) == (RATE, 3 * RATE // 4)  # two sounds, and a pause between
    refused = web.post("/genviz/save", json={"job": job, "kind": "exe", "order": order})
    assert refused.json()["error"] == f"A file is one of {', '.join(kinds)}, not 'exe'."


def test_links_hold_films_of_every_medium(engine: Engine) -> None:
    for model, (_, data) in MODELS.items():
        most = MEDIA[NAMED[data].medium].most
        view = link.read(engine.catalogue(), f"model={model}&data={data}&seed=9&n={most}&step=2", model, data, 0, 1, "sample")
        assert view["wrong"] == [] and view["films"]["sample"]["order"]["n"] == most
        beyond = link.read(engine.catalogue(), f"n={most + 1}", model, data, 0, 1, "sample")
        assert beyond["wrong"] == [f"'n' must lie between 1 and {most}, not {most + 1}."]


def test_http_tells_every_medium_by_its_own_name(engine: Engine) -> None:
    told = {"toys/bigram": "texts", "toys/tone": "sounds", "toys/colour": "images"}
    for model, (_, data) in MODELS.items():
        shot = engine.look(engine.submit(model, data, n=2, client="test"))
        assert shot.order.model == model
        x = np.zeros((2, *(8 if size is None else size for size in NAMED[data].shape)), np.float32)
        answer = api.made(NAMED[data], x)
        assert list(answer) == [told[model]] and len(answer[told[model]]) == 2 and json.dumps(answer)


def test_a_sound_of_another_rate_is_heard_at_the_data_sets_own() -> None:
    second = np.sin(2 * np.pi * 100 * np.arange(16000) / 16000).astype(np.float32)
    data = base64.b64encode(media.of("audio").file("wav", second[None], Data16)).decode()
    x = media.of("audio").read("x", data, TONES)
    assert x.shape == (1, RATE) and np.abs(x[0] - np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)).max() < 0.01
    for wrong in ("", "abc", base64.b64encode(b"RIFFxxxxWAVE").decode()):
        with pytest.raises(ValueError, match="'x' must be a WAV file of 8 or 16 bits, in base64"):
            media.of("audio").read("x", wrong, TONES)


Data16 = type(TONES)("fast", "Fast", "audio", (None,), "", rate=16000)


def test_what_is_not_written_yet_shows_as_a_blank() -> None:
    text = media.of("text")
    assert text.write(np.array([[2, -1, 6, np.nan, 3]]), LETTERS) == [f"a{text.BLANK * 3}b"]
