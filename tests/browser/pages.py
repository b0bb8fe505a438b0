"""Where the browser tests start from and leave their pictures."""

from pathlib import Path

LONG = 120_000  # milliseconds: more than the slowest panel takes on two busy cores
ROOT = Path(__file__).resolve().parent.parent.parent
SCREENS = ROOT / "screenshots"  # made anew by every run, not kept in git


def core(name: str) -> str:
    """The promise of a module of genviz/ui/web/core, for evaluate()."""
    return f"import(document.querySelector('link[rel=modulepreload][href*=\"core/{name}.js\"]').href)"


QUIET = """async () => {
    for (let frame = 0; frame < 3; frame++) {
        await new Promise(requestAnimationFrame);
        if ((await DOM).asking()) return false;
    }
    return true;
}"""


def quiet(page) -> None:
    """Wait until every question of the page's widgets is answered and none follows from the answers."""
    page.wait_for_function(QUIET.replace("DOM", core("dom")), timeout=LONG)
