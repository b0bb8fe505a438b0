"""Where the browser tests start from and leave their pictures."""

from pathlib import Path

LONG = 120_000  # milliseconds: more than the slowest panel takes on two busy cores
ROOT = Path(__file__).resolve().parent.parent.parent
SCREENS = ROOT / "screenshots"  # made anew by every run, not kept in git


def core(name: str) -> str:
    """The promise of a module of genviz/ui/web/core, for evaluate()."""
    return f"import(document.querySelector('link[rel=modulepreload][href*=\"core/{name}.js\"]').href)"
