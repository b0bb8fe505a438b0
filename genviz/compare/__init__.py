"""The families side by side: one Row of measured figures per trained model (and per setting, where speed is traded for quality).

    python -m genviz.compare                          # measures every trained model, writes pretrained/benchmark.json, prints the table
    python -m genviz.compare --only vae/vae mnist     # one model; the other rows stay
    python -m genviz.compare --missing                # models that are new, or trained anew

Pictures are compared as features of GenViz's own classifier (genviz.metrics.classifier): 10,000 generated against the 10,000 test
images, and beside every figure the same figure for 10,000 training images in place of the generated ones. That is the floor: what a
perfect model would score. Both sides are in the form that the model was trained on: a model of black and white pictures is compared
with test images made black and white by the same chance, and a model of 16 grey levels with test images cut to 16 levels.

This module reads and prints the figures, and needs no torch; `measure.py` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genviz import checkpoint, file
from genviz.argument import Progress
from genviz.data import of
from genviz.file import FileError

if TYPE_CHECKING:
    from genviz.checkpoint import Card

SAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one trained model at one setting of its sampler; None where a model has no such figure."""

    name: str  # "vae/vae"
    data: str
    title: str
    setting: str  # "" for the default knobs, else "dpm_solver, 10 steps, guidance 1"
    knobs: dict[str, Any]
    pictures: str  # what was compared with what
    samples: int  # generated pictures, and as many test images
    frechet: float
    floor: float  # Frechet distance of training images to test images, prepared the same way
    ratio: float  # frechet / floor
    kid: float
    kid_floor: float
    precision: float
    recall: float
    density: float
    coverage: float
    real: dict[str, float] = field(repr=False)  # precision, recall, density and coverage of training images against test images
    likelihood: float | None  # negative log-likelihood of the test set, or a bound on it
    likelihood_kind: str  # "exact", "IW-500", "ELBO" or "none"
    likelihood_unit: str  # "nats" per picture or "bits/dim"
    likelihood_protocol: str
    elbo: float | None  # the looser bound beside IW-500, in the same unit
    counting: float | None  # a table of counts over the same levels, the figure to beat, in the likelihood's unit
    nfe: int  # network calls for a picture
    ms_1: float  # milliseconds per picture, one at a time
    ms_64: float  # milliseconds per picture, 64 at a time
    machine: str
    parameters: int
    seconds: float  # of training
    z_dim: int | None
    encoder: bool
    sha256: str  # of the weights
    classifier: str  # sha256 of the classifier whose features were compared
    command: str
    agreement: float | None = None  # share of the images that GenViz's classifier takes for the class that was asked for
    levels: int = 0  # values of a pixel that the likelihood counts: 2, 16 or 256; 0 where there is none
    likelihood_error: float | None = None  # standard error of the likelihood, over the test images
    filled: float | None = None  # the likelihood of a model of fewer levels filled in to 256, in bits/dim
    entropy: float | None = None  # nats of the binarisation itself, below which no model of black and white pictures comes
    quotas: bool = False  # whether each class was drawn as often as the training set has it, and the floor likewise

    @property
    def key(self) -> tuple[str, str, str]:
        return self.data, self.name, self.setting

    @property
    def tail(self) -> str:
        """What the names of its figures end in on a card: the setting, where there is one to tell."""
        return f", {self.setting}" if self.setting else ""


def path(own: bool = False) -> Path:
    """Where the rows are kept: of the shipped models, or of the user's own."""
    return checkpoint.root(own) / "benchmark.json"


def read() -> list[Row]:
    """The rows measured so far, by data set and name; empty where nothing was measured. Warns of those that cannot be believed."""
    found, faults = read_rows()
    for sentence in faults:
        file.warn(sentence)
    return found


def read_rows() -> tuple[list[Row], list[str]]:
    """Every row that can be believed, and a sentence for each of the others, or for a file of which nothing can be read."""
    found, faults = [], []
    for where in (path(), path(own=True)):
        if not where.exists():
            continue
        try:
            held = file.read_json(where)
            if not isinstance(held, dict) or not isinstance(held.get("rows"), list):
                raise FileError(f"{file.shown(where)} holds no rows of figures.")
        except FileError as error:
            faults.append(str(error))
            continue
        for place, fields in enumerate(held["rows"], 1):
            try:
                found.append(file.record(Row, fields, f"Row {place} of {file.shown(where)}"))
            except FileError as error:
                faults.append(str(error))
    return found, faults


def faults() -> list[str]:
    """A sentence for each file of figures that cannot be believed: the rows, and the classifiers that they were measured with."""
    found = read_rows()[1]
    for data in of("image"):
        try:
            _passport(data)
        except FileError as error:
            found.append(str(error))
    return found


def must_be_whole() -> None:
    """FileError unless all rows can be read: what is written anew would leave the others out."""
    for sentence in read_rows()[1]:
        raise FileError(f"{sentence} Restore the file, or delete it to measure everything anew.")


def merge(rows: Iterable[Row]) -> list[Row]:
    """Put rows in place of those of the same model, data set and setting, write them all, and return them.

    Other settings of a re-measured model stay only while they tell of the same weights. FileError where the other rows cannot be read.
    """
    must_be_whole()
    new = {row.key: row for row in rows}
    weights = {(row.data, row.name): row.sha256 for row in new.values()}
    kept = {row.key: row for row in read() if weights.get((row.data, row.name), row.sha256) == row.sha256}
    every = [row for _, row in sorted((kept | new).items())]
    owned = {row.key for row in every if checkpoint.root_of(row.name, row.data) != checkpoint.PRETRAINED}
    for own in sorted({key in owned for key in new}):
        file.write_json(path(own), {"rows": [asdict(row) for row in every if (row.key in owned) == own]})
    return every


def unmeasured(cards: Iterable[Card]) -> list[Card]:
    """The cards without a row, or with a row that tells of other weights or was made with another classifier."""
    known = {(row.name, row.data, row.sha256, row.classifier) for row in read()}
    return [card for card in cards if card.data in of("image") and (card.name, card.data, card.sha256, eye(card.data)) not in known]


def eye(data: str) -> str:
    """sha256 of the classifier of a data set, "" where there is none that can be believed."""
    try:
        return _passport(data)
    except FileError as error:
        file.warn(str(error))
        return ""


def _passport(data: str) -> str:
    passport = checkpoint.PRETRAINED / "classifier" / f"features-{data}.json"
    if not passport.exists():
        return ""
    held = file.read_json(passport)
    if not isinstance(held, dict) or not isinstance(held.get("sha256"), str):
        raise FileError(f"{file.shown(passport)} is no passport of a classifier; restore it, or train the classifier again.")
    return held["sha256"]


def rows(cards: Iterable[Card] | None = None, samples: int = SAMPLES) -> Iterator[Progress | Row]:
    """Measure trained models (all by default): yields Progress all the while and a Row for each model and setting. Imports torch."""
    from genviz.compare.measure import measure

    for card in checkpoint.cards() if cards is None else cards:
        if card.data in of("image"):  # points in the plane are there to be seen
            yield from measure(card, samples)


def metrics(row: Row) -> list[dict[str, Any]]:
    """The row's figures as a card keeps them: name, value, unit, protocol, command."""
    setting = f" {row.setting} ({row.nfe} NFE);" if row.setting else ""
    pictures = f"{row.samples:,} generated against {row.samples:,} test images;{setting} {row.pictures}; features of GenViz's classifier"
    drawn = "each class as often as in the training set" if row.quotas else "drawn at random"
    floor = f"{row.samples:,} of the training images, {drawn}, against {row.samples:,} test images; {row.pictures.split(' against ')[-1]}"
    found = [
        ("frechet" + row.tail, row.frechet, "squared feature distance", pictures),
        ("frechet_floor", row.floor, "squared feature distance", floor),
        ("frechet_ratio" + row.tail, row.ratio, "times the floor", pictures),
        ("kid" + row.tail, row.kid, "squared MMD", pictures + "; unbiased, cubic kernel, all pairs"),
        ("kid_floor", row.kid_floor, "squared MMD", floor),
        ("precision" + row.tail, row.precision, "share", pictures + "; k = 3"),
        ("recall" + row.tail, row.recall, "share", pictures + "; k = 3"),
        ("density" + row.tail, row.density, "1 = as real", pictures + "; k = 5"),
        ("coverage" + row.tail, row.coverage, "share", pictures + "; k = 5"),
        ("nfe" + row.tail, row.nfe, "network calls", f"one picture;{setting}"),
        ("ms_1" + row.tail, row.ms_1, "ms", f"one picture at a time, median;{setting} {row.machine}"),
        ("ms_64" + row.tail, row.ms_64, "ms", f"per picture, 64 at a time, median;{setting} {row.machine}"),
    ]
    unit = "bits_per_dim" if row.likelihood_unit == "bits/dim" else "nll"
    if row.agreement is not None:
        found.append(("agreement" + row.tail, row.agreement, "share", pictures + "; generated images classified as the class asked for"))
    if row.likelihood is not None:
        kind = row.likelihood_kind.lower().replace("-", "_")
        found.append((f"{unit}_{kind}", row.likelihood, row.likelihood_unit, row.likelihood_protocol))
    if row.elbo is not None:
        found.append((f"{unit}_elbo", row.elbo, row.likelihood_unit, row.likelihood_protocol.replace(row.likelihood_kind, "ELBO")))
    if row.counting is not None:
        counted = "counting model of 4 neighbours at the same levels, on all test images"
        found.append((f"{unit}_counting", row.counting, row.likelihood_unit, counted))
    if row.likelihood_error is not None:
        found.append((f"{unit}_error", row.likelihood_error, row.likelihood_unit, "standard error of the mean; " + row.likelihood_protocol))
    if row.filled is not None:
        told = "filled in to 256 levels by how often the training images have each byte of a level; " + row.likelihood_protocol
        found.append(("bits_per_dim_filled", row.filled, "bits/dim", told))
    if row.entropy is not None:
        told = "mean entropy of the binarisation by chance, on all test images: no model is below"
        found.append(("nll_entropy", row.entropy, "nats", told))
    return [{"name": n, "value": v, "unit": u, "protocol": p.strip(" ;"), "command": row.command} for n, v, u, p in found]


def written(cards: Iterable[Card], samples: int = SAMPLES) -> Iterator[Progress | Row]:
    """The same as `rows`; each row is written, with its card, as soon as it is there."""
    must_be_whole()
    cards = [*cards]
    for folder in {checkpoint.root(card.own) for card in cards}:
        file.must_be_writable(folder)
    for item in rows(cards, samples):
        if isinstance(item, Row):
            merge([item])
            write_metrics(item)
        yield item


def write_metrics(row: Row) -> None:
    """Put the row's figures into the model's card, in place of those of the same names; CheckpointError where the weights are others."""
    card = checkpoint.card_of(row.name, row.data)
    if card.sha256 != row.sha256:
        raise checkpoint.CheckpointError(f"{row.name} on {row.data} was trained anew since it was measured; run: {row.command}")
    new = metrics(row)
    names = {m["name"] for m in new}
    checkpoint.write_card(replace(card, metrics=[m for m in card.metrics if m["name"] not in names] + new))


HEADS = {256: "bits/dim, 256 levels", 16: "bits/dim, 16 levels", 2: "nats, black and white"}  # likelihoods that count different things


def said(row: Row) -> str:
    """The likelihood of a row in words: its kind, and what stands beside it."""
    digits = 2 if row.likelihood_unit == "nats" else 4
    more = [
        f"{name} {value:.{digits}f}"
        for name, value in (("at 256", row.filled), ("counting", row.counting), ("no model below", row.entropy)) if value is not None
    ]  # fmt: skip
    return f"{row.likelihood:.{digits}f}, {row.likelihood_kind}" + (f" ({', '.join(more)})" if more else "")


def table(rows: Iterable[Row]) -> str:
    """The rows as text, one line each."""
    heads = ("model", "data", "setting", "Frechet", "floor", "ratio", "KID", "prec.", "recall", "dens.", "cover.", *HEADS.values(), "NFE",
             "ms (1)", "ms (64)", "parameters", "trained")  # fmt: skip
    lines = [heads]
    for r in rows:
        likelihoods = [said(r) if r.levels == levels else "" for levels in HEADS]
        lines.append((r.name, r.data, r.setting or "default", f"{r.frechet:.3f}", f"{r.floor:.3f}", f"{r.ratio:.2f}", f"{r.kid:z.5f}",
                      f"{r.precision:.3f}", f"{r.recall:.3f}", f"{r.density:.3f}", f"{r.coverage:.3f}", *likelihoods, str(r.nfe),
                      f"{r.ms_1:.1f}", f"{r.ms_64:.2f}", f"{r.parameters:,}", f"{r.seconds / 60:.1f} min"))  # fmt: skip
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    left = (0, 1, 2, 11, 12, 13)
    lines.insert(1, tuple("-" * w for w in widths))
    return "\n".join(
        " | ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))) for line in lines
    )
