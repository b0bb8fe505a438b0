"""Whatever is sent to the app, at whichever of its doors: an answer or one sentence, no status 500, no memory kept, nobody kept waiting."""

from __future__ import annotations

import base64
import copy
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from genviz.engine import Engine, Limits
from genviz.ui import field

COUNT, SEED = 2000, 17
GROWTH = 64  # MB that the web process may grow by, once everything was asked about once
ALONE = 1.0  # seconds of computing that one question may take on the event loop, where everybody else is served
CALLS = 64  # questions to the worker that one question to the app may become
BANNED = re.compile(  # what no sentence holds
    r"\b[A-Z]\w*(Error|Exception|Warning)\b|Traceback|NoneType|<class|object at 0x|positional arg|\bint\(\)|^\s*$|\n|the fault is"
)
GREY = base64.b64encode(bytes(range(28)) * 28).decode()
BLACK = [[[-1.0] * 28] * 28]
VERBS = {  # the parameters of each verb, and values that it answers
    "sample": {"model": "vae/vae_2d", "data": "mnist", "n": 1, "seed": 0, "knobs": {}},
    "film": {"model": "vae/vae_2d", "data": "mnist", "n": 1, "seed": 0, "knobs": {}, "frames": 4},
    "encode": {"model": "vae/vae_2d", "data": "mnist", "images": BLACK, "seed": 0},
    "decode": {"model": "vae/vae_2d", "data": "mnist", "z": [[0.0, 1.0]]},
    "likelihood": {"model": "vae/vae_2d", "data": "mnist", "images": BLACK, "seed": 0},
    "models": {"ability": "", "data": "mnist"},
    "energy": {"model": "ebm/plane", "data": "rings", "images": [[0.0, 1.0]], "seed": 0},
    "score": {"model": "score/plane", "data": "rings", "images": [[0.0, 1.0]], "sigma": 0.5, "seed": 0},
    "complete": {"model": "autoregressive/pixel_cnn", "data": "mnist", "image": BLACK[0], "rows": 27, "n": 1, "seed": 0, "knobs": {}},
}
FILM = {"model": "vae/vae_2d", "data": "mnist", "walk": "sample", "knobs": {}, "n": 1, "seed": 0, "given": {}, "aux": [], "frames": 4}
ROUTES = {
    "submit": FILM | {"viewer": "fuzz"},
    "cancel": {"jobs": ["0-none"]},
    "premiere": {"family": "vae"},
    "save": {"job": "0-none", "kind": "png", "order": FILM, "step": 1, "columns": 1, "only": 0, "panes": [["", "grey", "x"]]},
    "python": {"order": FILM, "step": 1, "only": 0},
}
ODD = [
    None, True, False, 0, -1, 3.5, 1e38, -1e38, 1e300, 2**31, 2**53, 2**63, -(2**70), 10**400, 3_000_000, "", "a", "\x00", "\n", "mnist",
    "\u202e\u2067", "🙂" * 40, "x" * 5000, "../../etc/passwd", "__class__", "1", "NaN", [], [[]], {}, [None], ["vae/vae"], [1, "a"],
    {"a": {"b": []}}, [[1, 2], [3]], [1e38, 1e38], [[1e38, 1e38]], [0.5] * 5000, BLACK[0], {"steps": 1e9}, {"steps": [1]}, GREY,
    {str(i): i for i in range(200)}, "data:image/png;base64,AAAA", base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode(),
    "two_moons", "diffusion/ddpm", "gan/gan", "flow/plane",
]  # fmt: skip
RAW = [
    b"", b" ", b"{", b"[]", b"[1, 2]", b"1", b"null", b'"text"', b"{}", b"\xff\xfe{}", b'{"a": "\xc3("}', b"\xef\xbb\xbf{}",
    b'{"data": NaN}', b'{"n": Infinity}', b'{"n": 1e400}', b'{"model": "\\ud800", "data": "mnist"}',
    b'{"session_hash": "\\u0000", "data": []}',
    b"[" * 100_000, b'{"a":' * 5000, b"[" * 900 + b"]" * 900, b'{"data": ' + b"[" * 200 + b"]" * 200 + b"}", b'{"n": ' + b"9" * 5000 + b"}",
    b'{"data": [' + b"0," * 150_000 + b"0]}", b'{"n": 1, "n": "two"}', b"model=vae&data=mnist", bytes(100),
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
]  # fmt: skip
KINDS = ["application/json; charset=utf-8", "text/plain", "", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
PLACES = [
    "gradio_api/run/sample", "gradio_api/api/decode", "gradio_api/reset", "gradio_api/upload", "gradio_api/stream/x",
    "gradio_api/vibe-edit", "gradio_api/nothing", "gradio_api/process_recording", "gradio_api/queue/other", "gradio_api/call/none",
    "gradio_api/call", "genviz/nothing", "login", "config", "nothing",
]  # fmt: skip
LOOKS = [
    "genviz/wait", "genviz/wait?job=0-none&have=-1", "genviz/wait?paint=x:heat:nan",
    "genviz/wait?job=0-none&paint=x0_hat:signed:1e-400", "genviz/submit", "genviz/wait?job=0-none&have=%F0%9F%99%82&paint=,,:,",
    "genviz/save", "config?page=none", "gradio_api/queue/data", "gradio_api/call/sample/none",
    "gradio_api/queue/data?session_hash=none", "gradio_api/file=%00", "gradio_api/file=/etc/passwd",
    "gradio_api/proxy=http://127.0.0.1/", "?page=none", "gradio_api/stream/a/b/c/playlist.m3u8",
    "gradio_api/custom_component/1/2/3/4", "gradio_api/queue/status", "gradio_api/info?all_endpoints=%00",
    "gradio_api/component_server", "gradio_api/mcp/schema", "gradio_api/cancel", "gradio_api/upload_progress",
    "gradio_api/dev/reload", "?deep_link=../..", "%00", "static/..%2f..", "pwa_icon/many", "monitoring", "assets/%2e%2e/none",
    "theme.css", "svelte/%00", "?tab=vae&seed=99999999999999999999", "genviz/wait?job=0-none&have=" + "9" * 5000,
]  # fmt: skip


@dataclass
class Question:
    """One request; `stream` where what it answers is heard at another address."""

    method: str
    path: str
    body: bytes = b""
    kind: str = "application/json"
    stream: str = ""


class House:
    """The app as it runs, and questions to every door of it."""

    def __init__(self, demo: Any, url: str, engine: Engine):
        self.demo, self.engine, self.web, self.calls = demo, engine, httpx.Client(base_url=url, timeout=60), 0
        call = engine.call

        def counted(*asked: Any, **options: Any) -> Any:
            self.calls += 1
            return call(*asked, **options)

        engine.call = counted
        self.functions = [(id, f) for id, block in demo.blocks.items() for f in getattr(block, "server_fns", ())]
        self.models = [m for f in engine.catalogue()["families"] for m in (*f["models"], *f["planes"])]
        self.verbs = {fn.api_name: id for id, fn in demo.fns.items() if fn.fn}
        assert list(self.verbs) == list(VERBS), "every verb is asked"

    def seconds(self) -> float:
        """Of computing of the thread with the event loop."""
        return time.clock_gettime(time.pthread_getcpuclockid(self.demo.server.thread.ident))

    def questions(self, count: int, rng: random.Random) -> Iterator[Question]:
        for _ in range(count):
            door = rng.choices([self.route, self.function, self.verb, self.tool, self.place, self.look], [6, 8, 5, 2, 1, 1])[0]
            question = door(rng)
            if question.body and rng.random() < 0.12:
                question.body = rng.choice(RAW)
            elif question.body and rng.random() < 0.1:
                question.body = question.body[: rng.randrange(len(question.body))]
            if rng.random() < 0.05:
                question.kind = rng.choice(KINDS)
            if rng.random() < 0.03:
                question.method = rng.choice(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
            yield question

    def route(self, rng: random.Random) -> Question:
        name = rng.choice(list(ROUTES))
        return Question("POST", f"genviz/{name}", sent(bent(ROUTES[name], rng)))

    def function(self, rng: random.Random) -> Question:
        id, f = rng.choice(self.functions)
        asked = {name: self.example(name, kind, rng) for name, (kind, needed, _) in f.fields.items() if needed or rng.random() < 0.5}
        if asked.keys() & {"probes", "samples", "n_neighbors", "steps", "slow"}:  # much work, so something is always wrong with it
            asked[rng.choice(list(asked))] = rng.choice([[], -1, "no", 1e38])
        body = {"component_id": id, "fn_name": f.__name__, "session_hash": f"s{rng.randrange(30)}", "data": bent(asked, rng)}
        return Question("POST", "gradio_api/component_server/", sent(bent(body, rng) if rng.random() < 0.3 else body))

    def example(self, name: str, kind: field.Field, rng: random.Random) -> Any:
        """A value that a field takes."""
        if isinstance(kind, field.Many):
            return [self.example(name, kind.kind, rng) for _ in range(2 if name == "z" else 3)]
        if isinstance(kind, field.Whole | field.Number):
            return rng.choice([kind.low, kind.high, 1 if kind.low <= 1 <= kind.high else kind.low])
        if isinstance(kind, field.Image):
            return GREY
        if isinstance(kind, field.Choice):
            return rng.choice(kind.known)
        if isinstance(kind, field.Switch):
            return rng.random() < 0.5
        return {"model": rng.choice(self.models)["name"], "name": "vae/vae", "family": "vae", "view": "map"}.get(name, "")

    def verb(self, rng: random.Random) -> Question:
        name = rng.choice(list(VERBS))
        values = bent(VERBS[name], rng)
        session = {"session_hash": f"s{rng.randrange(30)}"} if rng.random() < 0.5 else {}
        way = rng.choice(["call", "v2", "queue"])
        if way == "v2":
            return Question("POST", f"gradio_api/call/v2/{name}", sent(values | session), stream=f"gradio_api/call/{name}/")
        body = {"data": list(values.values()) if isinstance(values, dict) else values, **session}
        if way == "call":
            return Question("POST", f"gradio_api/call/{name}", sent(bent(body, rng, 0.3)), stream=f"gradio_api/call/{name}/")
        body |= {"fn_index": self.verbs[name], "session_hash": f"q{rng.randrange(10**9)}", "trigger_id": None, "event_data": None}
        return Question("POST", "gradio_api/queue/join", sent(bent(body, rng, 0.5)), stream=f"gradio_api/call/{name}/")

    def tool(self, rng: random.Random) -> Question:
        name = rng.choice(list(VERBS))
        params = {"name": name, "arguments": bent(VERBS[name], rng)}
        method = rng.choice(["tools/call"] * 6 + ["tools/list", "initialize", "no/such"])
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return Question("POST", "gradio_api/mcp/", sent(bent(body, rng, 0.4)))

    def place(self, rng: random.Random) -> Question:
        return Question("POST", rng.choice(PLACES), sent(bent({"data": [], "event_id": "none", "session_hash": "x"}, rng)))

    def look(self, rng: random.Random) -> Question:
        return Question("GET", rng.choice(LOOKS))

    def ask(self, q: Question) -> tuple[int, str]:
        """Status, and everything that comes."""
        headers = {"Accept": "application/json, text/event-stream"} | ({"Content-Type": q.kind} if q.kind else {})
        answer = self.web.request(q.method, "/" + q.path, content=q.body, headers=headers)
        text = answer.text
        if q.stream and q.method == "POST" and answer.status_code == 200 and "event_id" in answer.json():
            heard = self.web.get(f"/{q.stream}{answer.json()['event_id']}")
            return heard.status_code, heard.text
        if q.path == "genviz/submit" and answer.status_code == 200 and "job" in text:
            self.web.post("/genviz/cancel", json={"jobs": [answer.json()["job"]]})
        return answer.status_code, text


def sent(value: Any) -> bytes:
    return json.dumps(value).encode()


def bent(value: Any, rng: random.Random, chance: float = 0.8) -> Any:
    """The value with something wrong in it, more often than not."""
    if rng.random() > chance:
        return value
    value = copy.deepcopy(value)
    here = value
    while isinstance(here, dict) and here:
        name = rng.choice(list(here))
        if isinstance(here[name], dict) and here[name] and rng.random() < 0.4:
            here = here[name]
            continue
        way = rng.random()
        if way < 0.15:
            del here[name]
        elif way < 0.2:
            here[f"{name}_"] = rng.choice(ODD)
        else:
            here[name] = rng.choice(ODD)
        return value
    return rng.choice(ODD)


def wrong(status: int, text: str) -> str:
    """What is wrong with an answer; "" where nothing is."""
    if status >= 500:
        return f"status {status}"
    if text.startswith(("event:", ": ", "data:")) or "\nevent: " in text:  # a stream: what it ends with
        data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
        if "event: error" in text and (not data or data[-1] == "null"):
            return "an error without a word"
        found = json.loads(data[-1]) if data else None
    elif text.startswith(("{", "[")):
        found = json.loads(text)
    else:
        return "" if status < 400 or BANNED.sub("", text) == text else "words of a machine"
    if isinstance(found, dict) and isinstance(found.get("result"), dict) and found["result"].get("isError"):  # of a tool
        found = {"error": found["result"]["content"][0]["text"]}
    if not isinstance(found, dict):
        return "" if status < 400 else "no sentence"
    said = found["error"] if "error" in found else found.get("detail", "" if status >= 400 else "fine")
    said = said.get("message") if isinstance(said, dict) else said
    return "" if isinstance(said, str) and not BANNED.search(said) else f"no sentence: {said!r:.100}"


def memory() -> float:
    """MB that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * 4096 / 2**20


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    pytest.importorskip("mcp", reason="the package mcp is not installed")
    from genviz.ui.app import build
    from genviz.ui.theme import page

    with pytest.MonkeyPatch.context() as patch, Engine("cpu", limits=Limits(kept=2**23, records=500), workers=1) as engine:
        patch.setenv("GENVIZ_DATA", "nowhere")  # the exhibit is searched in place of all training images
        demo = build(engine)
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **page(demo, engine))
        try:
            yield House(demo, url, engine)
        finally:
            demo.close()


def test_whatever_is_sent_is_answered_in_a_sentence_or_rightly(house: House) -> None:
    rng, worker, faults, kinds = random.Random(SEED), house.engine.pids, [], Counter()
    before, slowest = 0.0, (0.0, None)
    for k, question in enumerate(house.questions(COUNT, rng)):
        if k == COUNT // 3:
            before = memory()
        begun, house.calls = house.seconds(), 0
        status, text = house.ask(question)
        assert house.calls <= CALLS, f"{house.calls} questions to the worker: {question}"
        slowest = max(slowest, (house.seconds() - begun, question), key=lambda pair: pair[0])
        kinds[status] += 1
        if why := wrong(status, text):
            faults.append(f"{why}\n    {question.method} {question.path} {question.body[:300]!r}\n    {status} {text[:300]!r}")
    assert not faults, f"{len(faults)} of {COUNT}:\n" + "\n".join(faults[:20])
    assert max(kinds) < 500 and kinds[200] > COUNT / 10, kinds
    assert memory() - before < GROWTH, f"{memory() - before:.0f} MB were kept"
    assert slowest[0] < ALONE, f"{slowest[0]:.2f} s on the event loop: {slowest[1]}"
    assert house.engine.pids == worker, "a question killed the worker"
    assert not len(house.engine.queue.questions), "a question is still with the worker"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("gradio_api/call/sample", {"data": [["vae/vae"], "mnist", 1, 0, {}]}, "'model' must be text of one line, not ['vae/vae']."),
        ("gradio_api/call/decode", {"data": ["vae/vae_2d", "mnist", [[1e38, 0]]]}, "z lies between -1000 and 1000"),
        ("gradio_api/call/decode", {"data": ["vae/vae_2d", "mnist"]}, "'decode' takes a list 'data' of 3 values, model, data, z; 2 came."),
        ("gradio_api/call/sample", {"data": []}, "5 values, model, data, n, seed, knobs; 0 came."),
        ("gradio_api/call/v2/sample", {"data": "mnist"}, "'sample' needs model too."),
        ("gradio_api/run/sample", {"data": []}, "shut; a verb is asked at gradio_api/call/sample."),
        ("genviz/submit", FILM | {"knobs": [1]}, "knobs must be an object"),
        ("genviz/submit", FILM | {"model": ["vae/vae"]}, "'model' must be text of one line"),
        ("genviz/submit", FILM | {"n": 3_000_000}, "'n' must lie between 1 and 64"),
        ("genviz/submit", FILM | {"aux": 5}, "'aux' must be a list"),
        ("genviz/save", ROUTES["save"] | {"kind": ["png"]}, "A file is one of png, gif, mp4"),
        ("genviz/python", {"order": FILM | {"model": "vae/plane", "data": "rings", "given": {"x": GREY}}}, "none among points"),
    ],
)
def test_what_is_wrong_is_named(house: House, path: str, body: dict, words: str) -> None:
    status, text = house.ask(Question("POST", path, sent(body), stream="gradio_api/call/sample/"))
    assert words in text.replace('\\"', '"') and status < 500 and not wrong(status, text), text
    assert status >= 400 or "event: error" in text, "a refusal has the status of one, where Gradio lets it"


def test_lists_of_lists_are_written_down_as_python(house: House) -> None:
    asked = {"order": FILM | {"given": {"x": [[1, 2], [3, 4.5]]}}}
    assert 'given={"x": [[1.0, 2.0], [3.0, 4.5]]}' in house.web.post("/genviz/python", json=asked).json()["code"]


def test_no_number_from_outside_decides_how_much_memory_is_used(house: House) -> None:
    id, plane = next((id, f) for id, f in house.functions if f.__name__ == "plane")
    assert "z_dim" not in plane.fields
    before, begun = memory(), house.seconds()
    asked = {"model": "vae/vae", "data": "mnist", "seed": 1, "z_dim": 3_000_000}
    body = {"component_id": id, "fn_name": "plane", "session_hash": "a", "data": asked}
    answer = house.web.post("/gradio_api/component_server/", json=body).json()
    assert answer == {"error": "'plane' takes no 'z_dim'; it takes model, data, images, seed, told."}
    del asked["z_dim"]
    answer = house.web.post("/gradio_api/component_server/", json=body).json()
    sizes = {m["name"]: m["z_dim"] for m in house.models}
    assert "error" in answer or len(answer["ok"]["origin"]) == sizes["vae/vae"]
    assert memory() - before < GROWTH and house.seconds() - begun < ALONE


def test_every_parameter_of_every_server_function_has_bounds(house: House) -> None:
    assert len(house.functions) > 40
    kinds = {kind: name for _, f in house.functions for name, (kind, _, _) in f.fields.items()}
    for kind, name in kinds.items():
        for big in (10**13, 1e300, "x" * 2**24, [0] * 10**5, [[GREY]] * 100):
            with pytest.raises(ValueError, match=name):
                kind.read(name, big)
