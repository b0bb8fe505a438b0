"""`python -m genviz` opens the app, as the command `genviz` does."""

from genviz.ui.command import main

if __name__ == "__main__":
    main()
