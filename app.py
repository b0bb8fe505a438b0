"""GenViz: `python app.py` opens the app, here or as a Hugging Face Space."""

import argparse
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # no request leaves the machine; read when gradio is imported
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")  # otherwise queue calls slow down during a long lecture

from genviz.engine import Engine


def main() -> None:
    parser = argparse.ArgumentParser(description="Deep generative models, live.")
    parser.add_argument(
        "--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="0.0.0.0 lets others in (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", "7860")), help="default: %(default)s")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="where models run (default: %(default)s)")
    parser.add_argument("--share", action="store_true", help="a public link through gradio's servers")
    parser.add_argument("--allow-host", default="", metavar="NAME", help="a name that the app answers to besides this computer's own")
    parser.add_argument("--embed", default="", metavar="SITE", help="a site that may show the app in a frame, as https://example.org")
    flags = parser.parse_args()

    engine = Engine(device=flags.device)  # its worker imports torch while this process imports gradio
    try:
        from genviz.ui.quick import import_gradio

        import_gradio()
        from genviz.ui.app import build
        from genviz.ui.door import Rules
        from genviz.ui.theme import page

        try:
            rules = Rules.of(flags.host, flags.share, flags.allow_host, flags.embed)
        except ValueError as error:
            parser.error(str(error))
        demo = build(engine)
        demo.launch(server_name=flags.host, server_port=flags.port, share=flags.share, **page(demo, engine, rules))
    finally:
        engine.close()


if __name__ == "__main__":
    main()
