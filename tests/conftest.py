"""What the tests share: one torch thread for each test process, so that two cores serve tests and the worker."""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
