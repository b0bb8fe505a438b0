"""GenViz: `python app.py` opens the app, here or as a Hugging Face Space."""

from genviz.ui.command import main

if __name__ == "__main__":
    main()
