"""The app starts, and shows the same page, whatever encoding a machine takes for its own."""

from __future__ import annotations

import codecs
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from until import answers, until

from genviz import catalogue

ROOT = Path(__file__).resolve().parent.parent
LOCALES = {"zh_CN.GBK": "gbk", "ko_KR.EUC-KR": "euc_kr", "en_US.CP1252": "cp1252", "C": "ascii"}
PAGE = """
import sys
from genviz.argument import Command
Command("page", "")
from genviz.ui.quick import import_gradio
import_gradio()
import json, locale, pathlib
from genviz.ui import app, served, theme

class Engine:
    def catalogue(self): return json.loads(pathlib.Path(sys.argv[1]).read_bytes())

demo = app.build(Engine())
files = "".join(served.files()[name].decode() for name in sorted(served.files()))
page = theme.head(demo.tools, Engine().catalogue()) + files + json.dumps(demo.get_config_file(), default=str, ensure_ascii=False)
pathlib.Path(sys.argv[2]).write_bytes(page.encode())
print(locale.getpreferredencoding(False), "\\U0001f528 \\u00b7 \\u5c71")
"""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> dict[str, dict[str, str]]:
    """For each locale the environment of a process in it."""
    folder = tmp_path_factory.mktemp("locales")
    if not (shutil.which("localedef") and Path("/usr/share/i18n/charmaps/GBK.gz").exists()):
        pytest.skip("this machine makes no locales: install the package locales")
    for name in LOCALES:
        language, _, charmap = name.partition(".")
        if charmap:
            made = subprocess.run(["localedef", "-i", language, "-f", charmap, folder / name], capture_output=True)
            assert (folder / name / "LC_CTYPE").exists(), made.stderr.decode(errors="replace")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHONIOENCODING", "PYTHONUTF8"))}
    told = {"LOCPATH": str(folder), "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    return {name: plain | told | {"LC_ALL": name} for name in LOCALES}


@pytest.fixture(scope="module")
def drawn_up(tmp_path_factory) -> Path:
    """The catalogue as a file."""
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.json"
    path.write_bytes(json.dumps({**catalogue.build(), "device": "cpu"}).encode())
    return path


def built(told: dict[str, str], drawn_up: Path, page: Path) -> tuple[str, bytes]:
    """Scripts, styles and configuration of the page as a process in a locale builds them, less numbers that change, and what it printed."""
    run = subprocess.run([sys.executable, "-c", PAGE, drawn_up, page], cwd=ROOT, env=told, capture_output=True, timeout=300)
    assert run.returncode == 0, run.stderr.decode(errors="replace")
    return re.sub(r'"app_id": \d+| at 0x[0-9a-f]+', "", page.read_text(encoding="utf-8")), run.stdout.strip()


@pytest.fixture(scope="module")
def here(drawn_up, tmp_path_factory) -> str:
    """The page as a process builds it that takes UTF-8 for its own."""
    told = dict(os.environ) | {"PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)}
    return built(told, drawn_up, tmp_path_factory.mktemp("here") / "page")[0]


@pytest.mark.parametrize("name", LOCALES)
def test_the_page_is_the_same_in_every_locale(foreign, drawn_up, here, tmp_path, name) -> None:
    page, printed = built(foreign[name], drawn_up, tmp_path / "page")
    encoding, *words = printed.split()
    assert b"".join(words), "the words that cannot be shown are spelt out"
    assert codecs.lookup(encoding.decode()).name == codecs.lookup(LOCALES[name]).name
    assert "\u00b7" in page and "\u00c2\u00b7" not in page and "\u00e2\u20ac" not in page
    assert page == here


@pytest.fixture
def served(foreign, tmp_path) -> Iterator[tuple[str, Path]]:
    """The app itself in a Chinese terminal, its output sent to a file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "app.py", "--port", str(port)], cwd=ROOT, env=foreign["zh_CN.GBK"], stdout=output,
                                   stderr=subprocess.STDOUT)  # fmt: skip
    address = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: answers(address) or process.poll() is not None, missing="It served no page")
        assert process.poll() is None, log.read_bytes().decode(errors="replace")[-3000:]
        yield address, log
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(300)


def test_the_app_starts_in_a_chinese_terminal(served) -> None:
    """It is served, and greets over MCP, whose emoji this terminal does not know."""
    address, log = served
    with urllib.request.urlopen(address, timeout=300) as page:
        assert "Â·" not in page.read().decode()
    with urllib.request.urlopen(address + "gradio_api/mcp/", timeout=300) as answer:
        assert answer.status == 200
    assert b"\\U0001f528" in log.read_bytes()
