"""Training: one loop for every model, in stages where a model has them.

`steps.py` moves the weights batch by batch and shows nothing; `fit.py` gives it data, a schedule and an end, takes up a killed run
(`resume.py`) and writes weights and card; `history.py` keeps the losses and sixteen snapshots on the way. The command is
`python -m genviz.train`.
"""
