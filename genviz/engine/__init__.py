"""The engine: films and short answers from models, for many people at once, without torch in the process that asks.

engine.py       what the screen asks; request.py: what may be asked; job.py: what is passed around
queue.py        the waiting line, the limits and the hire of workers; films.py, questions.py: what is under way and what is kept
supervisor.py   keeps one worker alive; worker.py: the handle on its process, wire.py: what goes through the pipe; inline.py: a thread
child.py        the worker's process; scheduler.py: turns of films and answers; interactive.py: short answers; stage.py: models
"""

from genviz.engine.engine import Engine
from genviz.engine.job import Full, Limits, Refused, Shot, View

__all__ = ["Engine", "Full", "Limits", "Refused", "Shot", "View"]
