"""What the tests share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ["GENVIZ_HOME"] = tempfile.mkdtemp(prefix="genviz-home-")  # whoever runs the tests may have models of their own
atexit.register(shutil.rmtree, os.environ["GENVIZ_HOME"], True)
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread each where several run at once, and in the apps that they start
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def data_sets() -> None:
    """For tests that read MNIST and Fashion-MNIST themselves, where GENVIZ_DATA (by default ./data) holds them."""
    if not Path(os.environ.get("GENVIZ_DATA", "data")).is_dir():
        pytest.skip("GENVIZ_DATA names no folder with the data sets")


def pytest_collection_modifyitems(config: pytest.Config, items: list) -> None:
    """Browser tests come last: playwright keeps an event loop in the main thread, beside which no other can run.

    Tests marked slow are those of `pytest -m slow` alone.
    """
    if not config.option.markexpr:
        items[:] = [item for item in items if item.get_closest_marker("slow") is None]
    items.sort(key=lambda item: "browser" in item.path.parts)
