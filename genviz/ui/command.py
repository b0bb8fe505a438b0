"""The command `genviz`, which is `python app.py` in a clone: flags -> Engine -> page -> launch; nothing else."""

from __future__ import annotations

import os
import signal
import sys

from genviz import argument
from genviz.argument import Command, reader
from genviz.engine import Engine

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # no request leaves the machine; read when gradio is imported
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")  # otherwise queue calls slow down during a long lecture


def main() -> None:
    """Read the flags and open the app; what goes wrong is one sentence."""
    started = os.path.basename(sys.argv[0])  # "app.py", "__main__.py", "genviz" or "genviz.exe"
    command = Command(
        {"app.py": "python app.py", "__main__.py": "python -m genviz"}.get(started, "genviz"), "Deep generative models, live."
    )
    command.add_argument(
        "--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="0.0.0.0 lets others in (default: %(default)s)"
    )
    command.add_argument(
        "--port", type=reader(argument.port), default=os.environ.get("GRADIO_SERVER_PORT", "7860"), help="default: %(default)s"
    )
    command.add_argument(
        "--device", type=reader(argument.device), default="auto", help="where models run: auto, cpu, cuda or mps (default: %(default)s)"
    )
    command.add_argument("--share", action="store_true", help="a public link through gradio's servers")
    command.add_argument("--allow-host", default="", metavar="NAME", help="a name that the app answers to besides this computer's own")
    command.add_argument("--embed", default="", metavar="SITE", help="a site that may show the app in a frame, as https://example.org")
    flags = command.parse_args()
    with command.sentences():
        argument.free(flags.host, flags.port)
        serve(flags.host, flags.port, flags.device, flags.share, flags.allow_host, flags.embed)


def serve(host: str, port: int, device: str, share: bool, allow: str, embed: str) -> None:
    """Open the app until Ctrl+C or SIGTERM; ValueError with one sentence where it cannot be."""
    engine = Engine(device=device)  # its worker imports torch while this process imports gradio

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever asks twice means it
        engine.finish()
        sys.exit()

    signal.signal(signal.SIGTERM, stop)
    try:
        from genviz.ui.quick import import_gradio

        import_gradio()
        from genviz.ui.app import build
        from genviz.ui.door import Rules
        from genviz.ui.theme import page

        rules = Rules.of(host, share, allow, embed)
        try:
            engine.catalogue()
        except RuntimeError as error:  # the worker could not start, and said why
            raise ValueError(str(error)) from None
        demo = build(engine)
        demo.launch(server_name=host, server_port=port, share=share, **page(demo, engine, rules))
    finally:
        engine.close()
