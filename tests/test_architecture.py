"""The import rules of ARCHITECTURE.md, read from the import lines of every file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "genviz").rglob("*.py"))

# Which rooms of genviz a room may import at the top of a file. A room is the first part under genviz; families may also import
# their own folder.
MAY = {
    "file": set(),
    "argument": {"checkpoint", "file"},
    "frame": set(),
    "medium": set(),
    "media": {"data", "media", "medium", "plots"},
    "likelihood": set(),
    "__main__": {"ui"},
    "table": set(),
    "inventory": set(),
    "notebook": {"data", "frame", "media", "plots"},
    "samples": {"data", "media", "notebook"},
    "family": {"data", "model"},  # model for types only
    "noise": set(),
    "model": {"frame", "likelihood"},
    "nn": {"model"},
    "data": {"argument", "data", "file"},
    "metrics": {"argument", "metrics", "data", "checkpoint", "file", "likelihood", "model"},
    "plots": {"plots"},
    "families": {"data", "family", "file", "frame", "likelihood", "medium", "model", "noise", "nn"},
    "checkpoint": {"data", "families", "family", "file", "model", "table"},
    "training": {"argument", "checkpoint", "data", "families", "family", "file", "metrics", "model"},
    "train": {"argument", "checkpoint", "families", "training"},
    "make": {"argument", "catalogue", "checkpoint", "compare", "data", "engine", "family", "likelihoods", "map", "model", "premiere",
             "train"},
    "catalogue": {"checkpoint", "families", "family", "frame", "likelihood", "medium", "model", "data"},
    "background": set(),
    "engine": {"argument", "background", "engine", "catalogue", "checkpoint", "families", "family", "frame", "medium", "model"},
    "map": {"argument", "checkpoint", "data", "file", "model"},
    "likelihoods": {"argument", "checkpoint", "data", "file", "likelihood", "metrics", "model"},
    "remap": {"argument", "background", "map"},
    "premiere": {"argument", "catalogue", "checkpoint", "engine", "families", "file", "plots"},
    "remeasure": {"argument", "background", "checkpoint", "compare", "data", "engine"},
    "compare": {"argument", "checkpoint", "data", "families", "file", "frame", "model", "metrics"},
}
GRADIO_ROOMS = {"ui"}


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at top level and at run time) of every import in a file."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(f)}
    typed = {id(n) for f in ast.walk(tree) if isinstance(f, ast.If) and "TYPE_CHECKING" in ast.dump(f.test) for n in ast.walk(f)}
    for node in ast.walk(tree):
        now = id(node) not in late and id(node) not in typed
        if isinstance(node, ast.Import):
            found += [(a.name, now) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [(node.module or "", now)]
            if node.module == "genviz":
                found += [(f"genviz.{a.name}", now) for a in node.names]
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports(path: Path) -> None:
    parts = path.relative_to(ROOT / "genviz").with_suffix("").parts
    here, tab = parts[0], parts[0] == "families" and "page" in parts
    for module, _ in imports(path):
        top = module.split(".")[0]
        if top == "gradio":
            assert here in GRADIO_ROOMS or tab, f"{path}: only app.py, ui and families/*/page import gradio"
        if top != "genviz" or here in GRADIO_ROOMS or here == "__init__":
            continue
        there = room(module)
        if here == "families" and there == "families" and len(parts) > 2:
            assert module.split(".")[2:3] in ([parts[1]], []), f"{path}: a family never imports another family ({module})"
        elif tab:
            assert there in {"ui", "plots", "data", "frame", "family"}, f"{path}: a tab may not import {module}"
        elif there and there != here:
            assert there in MAY[here], f"{path}: {here} may not import {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_manual_seed_outside_engine_and_training(path: Path) -> None:
    if path.relative_to(ROOT / "genviz").parts[0] in ("engine", "training", "metrics", "compare.py"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "manual_seed":
            assert isinstance(node.func.value, ast.Call), f"{path}:{node.lineno} seeds the global generator"


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True, timeout=600).stdout


def test_import_genviz_pulls_in_nothing_heavy() -> None:
    heavy = python(
        "import genviz, genviz.families, sys; "
        "print([m for m in ('torch', 'gradio', 'plotly', 'umap', 'numba', 'torchvision') if m in sys.modules])"
    )
    assert heavy.strip() == "[]"


def test_building_the_page_needs_no_torch() -> None:
    heavy = python("import genviz.ui.app, sys; print([m for m in ('torch', 'plotly', 'umap', 'numba', 'torchvision') if m in sys.modules])")
    assert heavy.strip() == "[]"


def test_drawing_up_the_catalogue_imports_no_sympy() -> None:
    """A normal draw on `meta` would pull in sympy and more, which take as long to import as torch itself."""
    found = python("from genviz import catalogue; import sys; catalogue.build(); print('sympy' in sys.modules)")
    assert found.strip() == "False"


def test_tabs_need_no_torch() -> None:
    names = [p.parent.parent.name for p in (ROOT / "genviz" / "families").glob("*/page/__init__.py")]
    assert names
    code = "; ".join(f"import genviz.families.{n}.page" for n in names) + "; import sys; print('torch' in sys.modules)"
    assert python(code).strip() == "False"


def test_top_level() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout.split("\n")
    top = {line.split("/")[0] for line in listed if line}
    allowed = {
        "app.py",
        "genviz",
        "pretrained",
        "tests",
        "requirements.txt",
        "README.md",
        "ARCHITECTURE.md",
        "LICENSE",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "NOTICE.md",
        "docs",
        ".github",
        ".pre-commit-config.yaml",
        "pyproject.toml",
        "benchmarks",
        ".ci",
        ".gitignore",
    }
    assert top <= allowed, top - allowed


def test_weights_are_small_and_never_pickled() -> None:
    listed = subprocess.run(["git", "ls-files", "pretrained"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout.split()
    sizes = {name: (ROOT / name).stat().st_size for name in listed if (ROOT / name).exists()}
    assert sizes and max(sizes.values()) < 9_000_000 and sum(sizes.values()) < 120_000_000
    assert not [n for n in listed if n.endswith((".pt", ".pth", ".pkl", ".npy", ".npz", ".ckpt"))]


def test_text_files_are_read_and_written_in_utf8_everywhere() -> None:
    """Without `encoding` Python takes that of the machine: under GBK or ASCII the page could not be read."""
    every = [ROOT / "app.py", *(f for room in ("genviz", "tests", "benchmarks") for f in sorted((ROOT / room).rglob("*.py")))]
    found = [f"{path.relative_to(ROOT)}:{line} {call}" for path in every for line, call in unsaid(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


def unsaid(code: str) -> list[tuple[int, str]]:
    """Line and name of every call in a program that opens text without saying its encoding."""
    found = []
    for node in (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call)):
        name, said = ast.unparse(node.func), {k.arg: k.value for k in node.keywords}
        last = name.rpartition(".")[2]
        binary = any(isinstance(v, ast.Constant) and isinstance(v.value, str) and v.value.strip("rwxab+t") == "" and "b" in v.value
                     for v in (*node.args, *said.values()))  # fmt: skip
        opens = last in ("fdopen", "NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "TextIOWrapper") or (
            last == "open" and name.partition(".")[0] not in ("Image", "av", "os", "webbrowser", "urllib") and name != "self.open"
        )
        text = opens and not binary and not (last.endswith("TemporaryFile") and "mode" not in said and not node.args)
        text = text or (last == "read_text" and not node.args) or (last == "write_text" and len(node.args) < 2)
        text = text or ast.unparse(said.get("text", said.get("universal_newlines", ast.Constant(None)))) == "True"
        if text and "encoding" not in said:
            found.append((node.lineno, name))
    return found


@pytest.mark.parametrize("code, line", [
    ("open('a')", True), ("open('a', 'w')", True), ("open('a', 'rb')", False), ("open('a', encoding='utf-8')", False),
    ("path.read_text()", True), ("path.read_text('utf-8')", False), ("path.write_text('words')", True), ("path.open()", True),
    ("subprocess.run(['a'], text=True)", True), ("subprocess.run(['a'], encoding='utf-8')", False), ("Image.open(path)", False),
    ("tempfile.NamedTemporaryFile('w')", True), ("tempfile.NamedTemporaryFile()", False),
])  # fmt: skip
def test_what_opens_text_is_known(code: str, line: bool) -> None:
    assert bool(unsaid(code)) == line


def test_no_unpickling_and_no_exec() -> None:
    for path in [*FILES, ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in ("torch.load", "pickle.load", "pickle.loads", "exec", "eval"), f"{path}:{node.lineno} calls {name}"


def test_every_model_of_pictures_has_a_place_in_the_lineage() -> None:
    """A year, what changed, and an ancestor that there is and that is no younger."""
    from genviz.families import FAMILIES

    known = {f"{f.name}/{e.name}": e for f in FAMILIES.values() for e in f.models}
    for name, entry in known.items():
        if entry.name == "plane":
            continue
        assert 1950 < entry.year < 2100 and entry.changed.endswith("."), name
        if entry.after:
            before = known[entry.after if "/" in entry.after else f"{name.split('/')[0]}/{entry.after}"]
            assert before is not entry and before.year <= entry.year, name


def naps(code: str) -> list[int]:
    """Lines of a test at which it waits for a time to pass."""
    calls = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call))
    called = ((n, ast.unparse(n.func).rpartition(".")[2]) for n in calls)
    turn = "0"  # asyncio.sleep(0) lets others have their turn and waits for nothing
    return [n.lineno for n, name in called if name in ("sleep", "wait_for_timeout") and [ast.unparse(a) for a in n.args] != [turn]]


def test_no_test_waits_for_a_time_to_pass() -> None:
    """It waits for what is awaited (tests/until.py), however slow the machine. The toy model's steps take time: that is what it is for."""
    every = [path for path in (ROOT / "tests").rglob("*.py") if path.name not in ("until.py", "troubled.py")]
    assert naps("time.sleep(1)") == naps("page.wait_for_timeout(1)") == [1] and naps("until(ready)") == []
    found = [f"{path.relative_to(ROOT)}:{line}" for path in every for line in naps(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)
