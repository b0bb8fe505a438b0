"""The door: who may ask, how much, and what everybody gets alike."""

from __future__ import annotations

import gzip
import re
import socket
from collections.abc import Iterator
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from doors import ORDER, SLOW, film, serving, toy_engine
from starlette.datastructures import Headers
from until import until

from genviz.engine import Engine
from genviz.ui import door, kept, sessions
from genviz.ui.door import Refusal, Rules, below
from genviz.ui.visitor import Visitors


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with toy_engine(client=2, address=3) as made:
        yield made


@pytest.fixture(scope="module")
def house(engine: Engine) -> Iterator[gr.Blocks]:
    with serving(engine) as demo:
        yield demo


@pytest.fixture
def web(house: gr.Blocks, engine: Engine) -> Iterator[httpx.Client]:
    """A browser that keeps cookies and has not been here before; its films end with the test."""
    with httpx.Client(base_url=house.local_url, timeout=300) as client:
        yield client
    for job in engine._unfinished():
        engine.cancel(job.id)


# The page


def test_the_page_is_drawn_up_once_for_everybody(web, monkeypatch) -> None:
    first = web.get("/")
    asked = []
    monkeypatch.setattr(kept.Kept, "_ask", lambda self, path: asked.append(path))
    for host in ("localhost:1", "127.0.0.1:7", "[::1]", "printer.localhost"):
        for query in ("", "?__theme=dark", "?page=none", "?deep_link=x"):
            answer = web.get("/" + query, headers={"Host": host, "X-Forwarded-Host": "example.org", "X-Forwarded-Proto": "https"})
            assert answer.status_code == 200 and answer.content == first.content, "nothing of a request gets into the page"
    assert not asked and "Toy house" in first.text and "nowhere" not in first.text and "window.gradio_config" in first.text


def test_the_page_is_zipped_for_who_can_read_it(web) -> None:
    plain = web.get("/", headers={"Accept-Encoding": "identity"})
    with web.stream("GET", "/", headers={"Accept-Encoding": "gzip, br"}) as answer:
        zipped = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip" and int(answer.headers["content-length"]) == len(zipped)
    assert gzip.decompress(zipped) == plain.content and len(zipped) < len(plain.content) / 2
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"


def test_a_page_that_is_known_is_not_sent_again_and_a_restart_changes_it(web) -> None:
    tag = web.get("/").headers["etag"]
    again = web.get("/", headers={"If-None-Match": tag})
    assert again.status_code == 304 and not again.content and "no-cache" in again.headers["cache-control"]
    with toy_engine() as other, serving(other) as demo:
        assert httpx.get(demo.local_url, headers={"If-None-Match": tag}).status_code == 200


def test_head_says_what_get_would_send(web) -> None:
    head, get = web.head("/"), web.get("/")
    assert head.status_code == 200 and not head.content
    assert {k: head.headers[k] for k in ("etag", "content-length", "content-type")} == {
        k: get.headers[k] for k in ("etag", "content-length", "content-type")
    }


def test_scripts_are_kept_for_good_and_two_ranges_are_answered(web) -> None:
    script = re.search(r'src="\./(assets/[^"]+\.js)"', web.get("/").text)[1]
    whole = web.get(script)
    assert "immutable" in whole.headers["cache-control"] and whole.headers["content-encoding"] == "gzip"
    for path in (script, "theme.css", "config", "genviz/wait?job=none"):
        answer = web.get(path, headers={"Range": "bytes=0-5,10-20"})
        assert answer.status_code == 200 and len(answer.content) > 20
    assert web.get("assets/none.js").status_code == 404


def test_programs_read_the_address_that_they_asked_at(web, house) -> None:
    here = house.local_url.rstrip("/")
    assert web.get("/config").json()["root"] == here
    assert (
        web.get("/config", headers={"X-Forwarded-Host": "example.org", "X-Forwarded-Proto": "https"}).json()["root"]
        == "https://example.org"
    )
    assert here in web.get("/gradio_api/info").text and "nowhere" not in web.get("/gradio_api/info").text


# Who may ask


@pytest.mark.parametrize(
    ("rules", "host", "allowed"),
    [
        ({}, "localhost", True),
        ({}, "LOCALHOST:123", True),
        ({}, "127.0.0.1:7860", True),
        ({}, "127.8.8.8", True),
        ({}, "[::1]:7860", True),
        ({}, "evil.example", False),
        ({}, "127.0.0.1.evil.example", False),
        ({}, "192.168.1.7:7860", False),
        ({"allow": "My.Name:80, other.name"}, "my.name:7860", True),
        ({"allow": "my.name"}, "other.name", False),
        ({"host": "0.0.0.0"}, "192.168.1.7:7860", True),
        ({"host": "0.0.0.0"}, "someone-genviz.hf.space", True),
        ({"host": "192.168.1.7"}, "lecture-hall.local", True),
        ({"share": True}, "0123abc.gradio.live", True),
        ({"host": "0.0.0.0"}, 'a"><script>', False),
        ({"host": "0.0.0.0"}, "a b", False),
        ({"host": "0.0.0.0"}, "", False),
        ({"host": "0.0.0.0"}, "a" * 300, False),
    ],
)
def test_the_app_answers_to_its_names(rules, host, allowed) -> None:
    if allowed:
        return Rules.of(**rules).check("GET", Headers({"host": host}))
    with pytest.raises(Refusal) as refused:
        Rules.of(**rules).check("GET", Headers({"host": host}))
    assert refused.value.status in (400, 403) and str(refused.value).endswith(".") and "<" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "headers", "allowed"),
    [
        ("127.0.0.1:7860", {}, True),  # curl, Python
        ("127.0.0.1:7860", {"origin": "http://127.0.0.1:7860"}, True),
        ("127.0.0.1:7860", {"origin": "http://localhost:8080"}, True),  # behind a proxy on this computer
        ("127.0.0.1:7860", {"origin": "null"}, False),
        ("127.0.0.1:7860", {"origin": ""}, False),
        ("127.0.0.1:7860", {"origin": "https://evil.example"}, False),
        ("127.0.0.1:7860", {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, False),
        ("127.0.0.1:7860", {"origin": "null", "sec-fetch-site": "same-origin"}, False),
        ("127.0.0.1:7860", {"sec-fetch-site": "cross-site"}, False),
        (
            "127.0.0.1:7860",
            {"origin": "https://genviz.example", "sec-fetch-site": "same-origin"},
            True,
        ),  # a proxy that changes the Host
        ("me-genviz.hf.space", {"origin": "https://me-genviz.hf.space", "sec-fetch-site": "same-origin"}, True),
        ("me-genviz.hf.space", {"origin": "https://huggingface.co", "sec-fetch-site": "cross-site"}, False),
        ("10.1.2.3:7860", {"origin": "https://me-genviz.hf.space", "x-forwarded-host": "me-genviz.hf.space"}, True),
        ("10.1.2.3:7860", {"origin": "https://evil.example", "x-forwarded-host": "me-genviz.hf.space"}, False),
        ("192.168.1.7:7860", {"origin": "http://192.168.1.7:7860"}, True),  # plain http in a lecture hall: no Sec-Fetch-Site
        ("192.168.1.7:7860", {"origin": "http://192.168.1.8:7860"}, False),
        ("192.168.1.7:7860", {"origin": "http://listed.example"}, True),
        ("0123abc.gradio.live", {"origin": "https://0123abc.gradio.live"}, True),
        ("192.168.1.7:7860", {"origin": "http://192.168.1.7", "x-forwarded-host": 'a"b'}, False),
    ],
)
def test_scripts_of_other_sites_may_not_ask(host, headers, allowed) -> None:
    rules = Rules.of("0.0.0.0", allow="listed.example")
    if allowed:
        return rules.check("POST", Headers({"host": host, **headers}))
    with pytest.raises(Refusal):
        rules.check("POST", Headers({"host": host, **headers}))


def test_every_way_to_ask_is_guarded_and_no_answer_is_opened_to_other_sites(web) -> None:
    evil = {"Origin": "https://evil.example"}
    for path in ("genviz/submit", "genviz/cancel", "gradio_api/queue/join", "gradio_api/component_server", "gradio_api/call/sample",
                 "gradio_api/mcp/"):  # fmt: skip
        for origin in ("https://evil.example", "null"):
            answer = web.post(path, json={}, headers={"Origin": origin})
            assert answer.status_code == 403 and answer.json()["error"] == answer.json()["detail"] and answer.json()["error"].endswith(".")
    assert web.options("genviz/submit", headers={**evil, "Access-Control-Request-Method": "POST"}).status_code == 403
    for answer in (web.get("/", headers=evil), web.get("config", headers=evil), web.get("genviz/wait?job=x", headers=evil)):
        assert answer.status_code == 200 and not [name for name in answer.headers if name.startswith("access-control")]
    assert web.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_what_nothing_here_uses_is_shut(web) -> None:
    for ask in (lambda p: web.post(p, files={"files": b"x" * 100}), lambda p: web.post(p, json={}), web.get):
        for path in ("upload", "upload?upload_id=a", "process_recording", "deep_link?session_hash=a", "vibe-edit", "proxy=https://x.hf.space/",
                     "file=https://example.org/x", "run-history/connect", "run/sample", "none"):  # fmt: skip
            answer = ask("gradio_api/" + path)
            assert answer.status_code == 404 and "shut" in answer.json()["error"], path
    assert web.post("gradio_api/component_server", files={"files": b"x"}).status_code == 404


def test_every_answer_tells_the_browser_its_bounds(web) -> None:
    for answer in (
        web.get("/"),
        web.get("none"),
        web.post("genviz/submit", json={}),
        web.post("/", headers={"Origin": "null"}),
        web.get("theme.css"),
    ):
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert (
            policy["frame-ancestors"] == "'self' https://huggingface.co https://*.hf.space"
            and policy["connect-src"] == "'self' data: blob:"
        )
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["referrer-policy"] == "same-origin"


def test_who_embeds_the_page_is_listed(monkeypatch) -> None:
    monkeypatch.setenv("GENVIZ_EMBED", "https://moodle.example")
    monkeypatch.setenv("GENVIZ_ALLOW_HOST", "genviz.example")
    rules = Rules.of(embed="https://a.example,https://b.example", allow="c.example")
    assert rules.policy().endswith("https://*.hf.space https://a.example https://b.example https://moodle.example")
    assert rules.hosts == ("c.example", "genviz.example")
    for wrong in ({"allow": "no/name"}, {"embed": "https://a;script-src"}):
        with pytest.raises(ValueError, match="is no name of a host"):
            Rules.of(**wrong)


# Visitors


def test_a_visitor_has_a_name_that_nobody_can_make_up(web, engine) -> None:
    assert (
        web.get("/").headers["set-cookie"].startswith("genviz=")
        and "HttpOnly; SameSite=Lax" in web.get("/", headers={"Cookie": ""}).headers["set-cookie"]
    )
    assert "set-cookie" not in web.get("/").headers, "who has one keeps it"
    mine = [web.post("genviz/submit", json={**SLOW, "client": f"made up {k}"}).json() for k in range(3)]
    assert "job" in mine[1] and "2 films under way already" in mine[2]["error"]
    with httpx.Client(base_url=web.base_url) as other:
        other.get("/")
        assert "job" in other.post("genviz/submit", json=SLOW).json(), "somebody else is not held up"


def test_who_keeps_no_cookie_is_counted_by_address(house, web, engine) -> None:
    cookies = ["", "genviz=", "genviz=made-up", "genviz=0123.0123; x=y", "genviz=\xe9.\xe9"]
    answers = [httpx.post(house.local_url + "genviz/submit", json=SLOW, headers={"Cookie": c.encode("latin-1")}) for c in cookies]
    assert ["job" in a.json() for a in answers] == [True] * 3 + [False] * 2 and "3 films under way" in answers[-1].json()["error"]
    assert "set-cookie" not in answers[0].headers and answers[2].headers["set-cookie"].startswith("genviz="), (
        "a name of an earlier run is renewed"
    )
    joined = httpx.post(house.local_url + "gradio_api/call/film", json={"data": ["toys/toy", "mnist", 1, 0, {}, 60]}).json()["event_id"]
    told = httpx.get(house.local_url + f"gradio_api/call/film/{joined}", timeout=300).text
    assert "3 films under way" in told, "the verbs are counted with the rest"


def test_the_name_outlives_a_restart_with_the_same_secret_only() -> None:
    scope = {"client": ("2001:db8:1:2:3::4", 5)}
    one, same, other = Visitors("a"), Visitors("a"), Visitors("b")
    cookie = Headers({"cookie": "x=1; genviz=of.another; " + one.cookie(secure=True).split(";")[0]})
    assert one.name(scope, cookie) == same.name(scope, cookie) != other.name(scope, cookie) == "@2001:db8:1:2::/64"
    assert "Secure; SameSite=None; Partitioned" in one.cookie(secure=True)


# How much


def test_too_much_is_refused_in_a_sentence_whether_announced_or_not(web) -> None:
    def pieces(size: int) -> Iterator[bytes]:
        yield from (b" " * 2**16 for _ in range(size // 2**16))

    for path, most in (
        ("genviz/submit", 2**20),
        ("gradio_api/queue/join", door.LARGEST),
        ("gradio_api/component_server", door.LARGEST),
    ):
        for body in (b" " * (most + 2**16), pieces(most + 2**16)):
            answer = web.post(path, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 413 and f"at most {most // 2**20} MB" in answer.json()["error"]
    assert web.post("genviz/submit", content=pieces(2**17)).json()["error"] == "This question is no JSON that can be read here."
    assert "job" in web.post("genviz/submit", content=iter([b'{"model": "toys/toy", ', b'"data": "mnist"}'])).json()


@pytest.mark.parametrize("announced", ["Content-Length: 999999999999", "Content-Length: -5", "Content-Length: 100"])
def test_a_body_that_does_not_come_is_not_waited_for(house, announced, monkeypatch) -> None:
    monkeypatch.setattr(door, "PATIENCE", 0.1)
    with socket.create_connection(("127.0.0.1", house.server_port), 30) as line:
        line.sendall(f"POST /genviz/submit HTTP/1.1\r\nHost: localhost\r\n{announced}\r\n\r\n".encode() + b"{")
        assert line.recv(1000).split(b" ")[1] in (b"400", b"408", b"413")


def test_a_full_house_says_so_at_once_and_when_to_come_again(web, engine, monkeypatch) -> None:
    monkeypatch.setattr(engine.queue, "limits", type(engine.limits)(line=0))
    monkeypatch.setattr(sessions, "ROOM", 0)
    for path, body in (
        ("genviz/submit", ORDER),
        ("gradio_api/call/sample", {"data": []}),
        ("gradio_api/queue/join", {"data": [], "fn_index": 0}),
    ):
        answer = web.post(path, json=body)
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0 and "house is full" in answer.json()["error"]
    monkeypatch.setattr(door, "OPEN", 0)
    assert web.get("/").status_code == 503 and "house is full" in web.get("/").json()["error"]


# Sessions


def ask(web: httpx.Client, session: str) -> str:
    """Ask a verb as a program does, and wait for its answer."""
    asked = {"data": ["toys/toy", "mnist", 1, 0, {"steps": 5}], "session_hash": session}
    event = web.post("gradio_api/call/sample", json=asked).json()["event_id"]
    return web.get(f"gradio_api/call/sample/{event}").text


def test_a_session_costs_no_copy_of_the_page(web, house) -> None:
    assert "images" in ask(web, "somebody")
    state = house.app.state_holder.session_data["somebody"]
    echo = next(id for id, block in house.blocks.items() if type(block).__name__ == "Echo")
    assert echo not in state.config_values and state.blocks_config.blocks.keys() == house.default_config.blocks.keys()


def test_a_page_that_asks_a_widget_needs_no_session(web, house) -> None:
    echo = next(id for id, block in house.blocks.items() if type(block).__name__ == "Echo")
    asked = {"data": {"text": "hello"}, "component_id": echo, "fn_name": "echo", "session_hash": "page"}
    assert web.post("gradio_api/component_server", json=asked).json() == {"ok": "hello"}
    assert "page" not in house.app.state_holder.session_data


def test_sessions_are_bounded_by_number_and_age(web, house, monkeypatch) -> None:
    holder = house.app.state_holder
    monkeypatch.setattr(holder, "capacity", 5)
    for k in range(20):
        assert "images" in ask(web, f"s{k}")
    assert list(holder.session_data) == [f"s{k}" for k in range(15, 20)]
    holder.forget(idle=3600)
    assert len(holder.session_data) == 5
    holder.forget(idle=0)
    assert not holder.session_data and not holder.time_last_used and "images" in ask(web, "s3")


def test_mailboxes_that_nobody_opens_go_the_oldest_first(monkeypatch) -> None:
    boxes = {f"{age}": SimpleNamespace(opened=1000 - age, qsize=lambda: 10) for age in (1, 5, 20, 40, 61)}
    assert sessions.stale(boxes, 1000) == ["61"]
    monkeypatch.setattr(sessions, "MAIL", 25)
    assert sessions.stale(boxes, 1000) == ["61", "40"]
    monkeypatch.setattr(sessions, "BOXES", 1)
    assert sessions.stale(boxes, 1000) == ["61", "40", "20"]
    monkeypatch.setattr(sessions, "MAIL", 0)
    assert sessions.stale(boxes, 1000) == ["61", "40", "20", "5"], "whoever has just come keeps his"


def test_a_film_that_nobody_listens_to_ends(house, web, engine, monkeypatch) -> None:
    queue = house._queue
    body = {"data": [*(ORDER[k] for k in ("model", "data")), 1, 0, SLOW["knobs"], 60]}
    for _ in range(2):
        web.post("gradio_api/call/film", json=body)
    until(lambda: len(engine._unfinished()) == 2)
    monkeypatch.setattr(sessions, "AGE", 0.0)
    monkeypatch.setattr(sessions, "GRACE", 0.0)
    kept = (queue.pending_messages_per_session, queue.pending_event_ids_session, queue.event_ids_to_events)
    until(lambda: not (engine._unfinished() or any(kept)), missing="They did not end with nothing of them kept")


# Subpaths


@pytest.mark.parametrize(
    ("path", "root", "found"),
    [
        ("/", "", "/"),
        ("/genviz/wait", "", "/genviz/wait"),
        ("/genviz/wait", "/genviz", "/genviz/wait"),  # taken off
        ("/genviz/genviz/wait", "/genviz", "/genviz/wait"),  # not taken off
        ("/genviz/", "/genviz", "/"),
        ("/genviz/config", "/genviz", "/config"),
        ("/genviz/gradio_api/info", "/genviz", "/gradio_api/info"),
        ("/gradio_api/info", "/genviz", "/gradio_api/info"),
        ("/gradio_api/queue/join", "/gradio_api", "/gradio_api/queue/join"),
        ("/gradio_api/gradio_api/queue/join", "/gradio_api", "/gradio_api/queue/join"),
        ("/assets/assets/a.js", "/assets", "/assets/a.js"),
        ("/assets/a.js", "/assets", "/assets/a.js"),
        ("/a/b/genviz/wait", "/a/b", "/genviz/wait"),
        ("/a/bc/genviz/wait", "/a/b", "/a/bc/genviz/wait"),
        ("/demo/none", "/demo", "/none"),
    ],
)
def test_a_subpath_may_be_named_like_a_route(path, root, found) -> None:
    assert below(path, root, {"", "genviz", "gradio_api", "assets", "config"}) == found


def test_a_film_arrives_through_the_door(web) -> None:
    web.get("/")
    assert [shot["step"] for shot in film(web)] == [0, 1, 2, 3, 4, 5]
