r"""Can a score tell one data set from another? The ROC curve and the area under it.

Call a picture "one of ours" when its score is at least c. As c falls, the share of our own test pictures that pass rises, and so does the
share of strangers that slip through; the pairs of shares make the ROC curve. The area under it is the probability that one of ours scores
higher than a stranger, ties counted half (Hanley and McNeil 1982):

$$\mathrm{AUROC} = P(s_\text{own} > s_\text{other}) + \tfrac{1}{2} P(s_\text{own} = s_\text{other})$$

1 is perfect, 0.5 a coin, and 0 perfect with the sign the wrong way round: the score then prefers strangers.
"""

from __future__ import annotations

import numpy as np


def auroc(own: np.ndarray, other: np.ndarray) -> float:
    """Scores (N,) and (M,) -> the probability that one of `own` is higher than one of `other`, ties half."""
    ordered = np.sort(other)
    below, up_to = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
    return float((below + up_to).mean() / 2 / len(other))


def roc(own: np.ndarray, other: np.ndarray, points: int = 101) -> np.ndarray:
    """The curve from (0, 0) to (1, 1) as (points, 2): share of `other` and share of `own` that pass, at evenly chosen bars.

    The bars are scores of both sets, so that steep and flat parts are met alike; their polyline lies within 1 / points of the curve.
    """
    every = np.sort(np.concatenate([own, other]))
    bars = np.append(every[np.linspace(0, len(every) - 1, points - 1).astype(int)][::-1], -np.inf)
    bars[0] = np.nextafter(every[-1], np.inf)
    return np.stack([_passed(other, bars), _passed(own, bars)], 1)


def _passed(scores: np.ndarray, bars: np.ndarray) -> np.ndarray:
    """Share of the scores that reach each bar."""
    return 1 - np.searchsorted(np.sort(scores), bars, "left") / len(scores)
