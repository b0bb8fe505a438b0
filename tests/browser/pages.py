"""Where the browser tests start from and leave their pictures."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENS = ROOT / "screenshots"  # made anew by every run, not kept in git
