r"""What a model can say about the probability of a sample, declared on its class:

    likelihoods = (Likelihood("iw", "importance_weighted", {"k": 500}, levels=2), Likelihood("elbo", "elbo", levels=2))

The first is the one that stands for the model; the others are looser and stand beside it. Kinds:

- "exact": log p(x) itself (autoregressive models);
- "ode": log p(x) of a continuous density, by integrating the probability-flow ODE, at bytes with uniform noise between them, which is a
  bound on the bytes' log-likelihood (Theis et al. 2016) up to the errors of the integrator and of the trace;
- "iw": the importance-weighted bound log 1/k sum_j p(x, z_j) / q(z_j | x), between the ELBO and log p(x) and rising towards it with k
  (Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519);
- "elbo": the evidence lower bound, one draw of z for each sample;
- "ais": annealed importance sampling (Neal 2001), an estimate of log p(x) whose mean over draws of the partition function is a bound.

`levels` says what is counted: values that a number of x can take, such as 2 (black and white), 16 or 256 (bytes). 0 is a density of real
numbers, which no number of bits per dimension of bytes can be compared with. This file imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

KINDS = {"exact": "exact", "ode": "by the ODE", "iw": "a bound", "elbo": "a bound", "ais": "an estimate"}  # how the page says it
QUICK = 16  # draws of an importance-weighted bound that somebody waits for


@dataclass(frozen=True, slots=True)
class Likelihood:
    """One way: its kind, the method that is asked, what it is asked with, the values that it counts and the unit of its figures."""

    kind: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    levels: int = 256
    unit: str = ""  # "nats" or "bits/dim"; by default nats of what is black and white or of real numbers, bits/dim of grey levels

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no likelihood '{self.kind}'; there are {', '.join(KINDS)}.")
        if not self.unit:
            object.__setattr__(self, "unit", "nats" if self.levels in (0, 2) else "bits/dim")
        if self.levels == 0 and self.unit != "nats":
            raise ValueError("A density of real numbers is told in nats; bits are for what can be counted.")

    @property
    def name(self) -> str:
        """As figures and menus say it: "exact", "ODE", "IW-500", "ELBO", "AIS"."""
        return {"exact": "exact", "iw": f"IW-{self.options.get('k', 0)}"}.get(self.kind, self.kind.upper())

    @property
    def bound(self) -> bool:
        """Whether it promises that log p(x) is no smaller than what it says."""
        return self.kind in ("iw", "elbo")

    def draws(self, k: int) -> Likelihood:
        """The same bound with k draws; itself where nothing is drawn."""
        return replace(self, options={**self.options, "k": k}) if self.kind == "iw" else self

    def quick(self, k: int = QUICK) -> Likelihood:
        """The same, with so few draws that somebody can wait for it."""
        return self.draws(min(k, self.options["k"])) if self.kind == "iw" else self

    def plain(self) -> dict[str, Any]:
        """For the catalogue: JSON-able."""
        return asdict(self) | {"name": self.name, "bound": self.bound, "says": KINDS[self.kind]}


def read(told: Mapping[str, Any]) -> Likelihood:
    """Back from the catalogue."""
    return Likelihood(**{key: told[key] for key in ("kind", "method", "options", "levels", "unit")})


def find(likelihoods: Iterable[Likelihood], name: str) -> Likelihood:
    """The one of a model's that is called so, "IW-64" for any number of draws; ValueError with those that there are."""
    known = tuple(likelihoods)
    weighted = re.fullmatch(r"IW-([1-9]\d{0,5})", name)
    for one in known:
        if one.name == name:
            return one
        if weighted and one.kind == "iw":
            return one.draws(int(weighted[1]))
    raise ValueError(f"There is no likelihood '{name:.40}' here; there is {', '.join(one.name for one in known) or 'none'}.")


def told(likelihoods: tuple[Likelihood, ...]) -> list[dict[str, Any]]:
    """All of a model's for the catalogue, the one that stands for it first."""
    return [one.plain() for one in likelihoods]
