"""What README.md and its sisters say is so: commands, links, settings, verbs, pictures, figures."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from shown import shown
from test_mcp import VERBS

import genviz

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", "NOTICE.md", "docs/figures.md"]


def test_the_animation_shows_the_families_and_panels_of_today() -> None:
    """Otherwise make it again, as tests/browser/test_readme_in_use.py says."""
    kept = json.loads((ROOT / "docs" / "genviz.json").read_text(encoding="utf-8"))["shown"]
    assert kept == shown()
    assert "(docs/genviz.webp)" in README and (ROOT / "docs" / "genviz.webp").stat().st_size < 1_500_000


def test_a_reader_starts_the_app_before_running_tests() -> None:
    order = [README.index(part) for part in ("![", "pip install .\n", "<http://127.0.0.1:7860>", "## A tour", "<!-- test -->")]
    assert order == sorted(order)


def test_ci_finds_the_test_command() -> None:
    """As .ci/run reads it."""
    program = "/<!-- test -->/ {wanted = 1; next} wanted && /^```/ {if (inside) exit; inside = 1; next} inside"
    assert program in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    told = subprocess.run(["awk", program, "README.md"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert told.startswith("python3 -m venv .venv && ") and told.count("pytest") == 2 and told.count("\n") == 1


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_every_setting_from_the_environment_is_told() -> None:
    read = {
        name
        for file in (ROOT / "genviz").rglob("*.py")
        for name in re.findall(r"[\"'](GENVIZ_[A-Z]+(?:_[A-Z]+)*)[\"']", file.read_text(encoding="utf-8"))
    }
    assert len(read) > 5 and {name for name in read if f"`{name}`" not in README} == set()


def test_every_verb_is_told() -> None:
    assert re.findall(r"^\| `/(\w+)` \|", README, re.MULTILINE) == VERBS


def test_a_space_can_read_the_head() -> None:
    """Values that the Hub's reference of Spaces allows."""
    head = yaml.safe_load(README.split("---")[1])
    assert head["sdk"] == "gradio" and (ROOT / head["app_file"]).exists() and len(head["short_description"]) <= 60
    assert head["suggested_hardware"] in ("cpu-basic", "cpu-upgrade") and "mcp-server" in head["tags"]
    place = head["thumbnail"].partition("/resolve/main/")[2]
    assert (ROOT / place).is_file(), "the picture of a link, as it lies in the repository"
    gradio = next(line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line.startswith("gradio"))
    assert gradio.startswith(f"gradio>={head['sdk_version'].rpartition('.')[0]}")


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == genviz.__version__ and cited["license"] == "MIT" and cited["cff-version"] == "1.2.0"


def test_hooks_and_workflow_call_what_ci_calls() -> None:
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
    steps = [step.get("run", "") for job in flow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in steps and any("-m slow" in step for step in steps)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for repo in hooks["repos"] for hook in repo["hooks"]] == ["ruff-check", "ruff-format"]
