"""What the tests share."""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


def pytest_collection_modifyitems(items: list) -> None:
    """Browser tests come last: playwright keeps an event loop in the main thread, beside which no other can run."""
    items.sort(key=lambda item: "browser" in item.path.parts)
