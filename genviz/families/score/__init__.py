r"""## Score-based models

**Learn the slope, not the density.** A density must add up to one, and that sum over all pictures is what makes energy-based models
hard to train. The *score*, the gradient of the log density, does not feel the normaliser:

$$s(x) = \nabla_x \log p(x), \qquad \nabla_x \log \frac{e^{-E(x)}}{Z} = -\nabla_x E(x).$$

It is an arrow at every point that says which way pictures get likelier. A network may answer with it directly.

**Score matching.** The true arrows are not in the data, yet they can be learnt. Take a picture, add noise, and ask which way leads back:

$$\min_\theta\; \mathbb E \,\Bigl\| s_\theta(x + \sigma\varepsilon, \sigma) + \frac{\varepsilon}{\sigma} \Bigr\|^2,
\qquad \varepsilon \sim \mathcal N(0, I).$$

No picture has one right answer here, but the average of all answers is exactly the score of the noisy data, $\nabla \log p_\sigma(x) =
(\hat x_0 - x)/\sigma^2$ with $\hat x_0$ the best guess of the clean picture (*Tweedie's formula*).

**One noise is not enough.** Pictures fill next to nothing of their space, so without noise the arrows are unknown almost everywhere. With
much noise they are known everywhere, but lead to a blur. So one network learns them at every noise level, and a sampler
starts where everything is noise and lowers the level gradually.

**This is diffusion, seen from the other side.** The network, the noisy pictures and the squared error are the same; only the name of
what is predicted differs: $s = -\hat\varepsilon/\sigma$. The network here has the shape of the one in the diffusion tab, and its
training began with that one's weights. "Sounds familiar?" shows the two side by side.

**Three ways to walk.** *Annealed Langevin dynamics* follows the arrows and shakes, some steps at every level. The *reverse SDE* undoes
the adding of noise, a predictor and a corrector in turn. The *probability flow* has no chance in it at all:

$$\frac{dx}{d\sigma} = -\sigma\, s(x, \sigma).$$

All three pass through the same densities; the first wants hundreds of network calls, the last about thirty. A GAN
needs one: the slowness is shared with diffusion.

**Towards a class.** Scores add up where densities multiply, so Bayes' rule splits the slope in two, that of all pictures and that of
the class:

$$\nabla \log p(x \mid c) = \nabla \log p(x) + \nabla \log p(c \mid x).$$

*Guidance* counts the second part more than once: pictures turn typical of their class, at the price of a second network call and of
variety.

**What the other view brings: a likelihood.** The flow is invertible, like the layers of a flow model but without any care taken in its
design, so the change of variables gives $\log p(x)$ itself where diffusion has a bound:

$$\log p_0(x) = \log p_T(x_T) + \int \nabla \cdot \frac{dx}{d\sigma}\; d\sigma .$$

The divergence is estimated with random probes, and the price is some dozens of calls forward and backward for each picture. The smallest
noises need care: bytes sit in boxes two 255ths wide, and most of them in a single one, black. There the pixel's own
histogram takes over from the network, in closed form.

**In the plane** the true score is known at every noise level, so that the learnt arrows can be laid over it, and the divergence is
exact.

**What has changed.** In 2019 this was a rival of diffusion; since 2021 they are one subject, and most papers use whichever words suit. The
flow's straightened relatives, flow matching and consistency models, now do with a few steps what took hundreds then.

*Hyvärinen 2005; Vincent 2011; Song, Ermon 2019; Song et al. 2021 (SDE);
Song, Durkan, Murray, Ermon 2021; Kingma et al. 2021; Karras et al. 2022.*
"""

from genviz.data import of
from genviz.family import Entry, Family, Recipe, Reply, Scene

FAMILY = Family(
    name="score",
    title="Score-based models",
    short="Score-based",
    line="Learns the gradient of the log density at every noise level: diffusion from the other side, with a likelihood.",
    story=__doc__ or "",
    models=(
        Entry(
            "score",
            "Score network, all noise levels",
            "genviz.families.score.score:Score",
            {"fine": 32, "coarse": 96, "fine_blocks": 2, "coarse_blocks": 5},
            Recipe(epochs=12, batch=64, lr=1e-3, warmup=0.03, betas=(0.9, 0.99), ema=0.999),
            year=2019,
            changed="The gradient of log p at every size of noise, without the constant that nobody can compute.",
        ),
        Entry(
            "plane",
            "Score network of points",
            "genviz.families.score.plane:PlaneScore",
            {},
            Recipe(epochs=30, batch=500, lr=8e-3, warmup=0.03, ema=0.995),
            of("points"),
        ),
    ),
    scenes=(
        Scene("No chance: the probability flow", "score", {"sampler": "probability_flow", "steps": 18}),
        Scene("The class exaggerated", "score", {"sampler": "probability_flow", "steps": 18, "guidance": 4.0}),
        Scene(
            "Predictor and corrector",
            "score",
            {"sampler": "predictor_corrector", "steps": 50, "corrector": 1, "snr": 0.16, "guidance": 1.0},
        ),
        Scene("The predictor alone", "score", {"sampler": "predictor_corrector", "steps": 50, "corrector": 0, "guidance": 1.0}),
        Scene(
            "The first sampler: annealed Langevin",
            "score",
            {"sampler": "annealed_langevin", "steps": 100, "corrector": 3, "snr": 0.3, "guidance": 1.0},
        ),
        Scene(
            "Too hasty: Langevin with 18 levels",
            "score",
            {"sampler": "annealed_langevin", "steps": 18, "corrector": 1, "snr": 0.16, "guidance": 1.0},
        ),
    ),
    replies=(
        Reply(
            "score",
            "diffuse",
            "Noise as strong as the picture, and back along the score: uphill to pictures that are likely, near the one that was drawn.",
            (("first", "with noise", "grey"), ("last", "denoised", "grey")),
            given={"sigma": 1.0},
        ),
    ),
)
