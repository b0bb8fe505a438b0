r"""Suppose that every picture has a short cause: a few numbers $z$ that say *a seven, slanted, thin*. Draw $z$ from something simple,
the **prior** $p(z) = N(0, I)$; let a network, the **decoder**, turn it into a picture. For pictures of black and white pixels it answers
with the probability $\pi_i(z)$ that pixel $i$ is white:

$$p(x \mid z) = \prod_{i=1}^{784} \pi_i(z)^{x_i} \, (1 - \pi_i(z))^{1 - x_i}, \qquad p(x) = \int p(x \mid z) \, p(z) \, dz$$

Sampling is one pass through the decoder. Training is the hard part: the integral runs over all causes, nearly all of which explain a
given picture badly, so it can be neither solved nor guessed at random; and with it $p(z \mid x)$ is out of reach.

**A bound instead of the integral.** Let a second network, the **encoder**, propose for each picture a small cloud of likely causes,
$q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x))$. Whatever it proposes, the *evidence lower bound* holds:

$$\log p(x) \;\ge\; \underbrace{\mathbb{E}_{q(z \mid x)} \log p(x \mid z)}_{\text{reconstruction}} \;-\;
\underbrace{\mathrm{KL}\big(q(z \mid x) \,\|\, p(z)\big)}_{\text{price of the message } z}$$

The first term wants clouds that tell pictures apart, the second wants all clouds to look like the prior, so that a draw from the prior
lands where the decoder has been. The gap is $\mathrm{KL}(q(z \mid x) \| p(z \mid x))$: the encoder's error. Writing
$z = \mu + \sigma \epsilon$ with $\epsilon \sim N(0, I)$ lets one gradient train both networks (Kingma and Welling 2014; Rezende, Mohamed
and Wierstra 2014).

**Beta.** Give the KL term a weight, $\text{reconstruction} - \beta \, \mathrm{KL}$. The KL is the *rate*, the nats spent on $z$; the lost
reconstruction is the *distortion*. A small $\beta$ buys sharp copies, but the clouds no longer fill the prior and samples get worse; a
large one spends little, and whole dimensions of $z$ go silent (Higgins et al. 2017; Alemi et al. 2018). See it under *Beta*.

**How good is it?** Averaging $k$ proposals inside the logarithm gives a bound that tightens as $k$ grows, IW-$k$
(Burda, Grosse and Salakhutdinov 2016):

$$\log p(x) \;\ge\; \mathbb{E}_{z_1 \dots z_k \sim q} \log \frac{1}{k} \sum_{j=1}^{k} \frac{p(x \mid z_j) \, p(z_j)}{q(z_j \mid x)}$$

**In the plane** both $z$ and $x$ are points, and the decoder can be seen at work: it bends the latent plane until a round cloud lies on the
data. What is in several pieces stays joined by thin bridges, for the map is continuous.

**For and against.** A VAE has both directions: the encoder is kept for representations (the *Map*), the decoder with the prior for
samples. But it has a bound, not a likelihood, and independent pixels around one mean picture look soft. Other autoencoders (denoising,
bottleneck, masked) represent well, but have no prior over $z$ and so no obvious way to generate.

**What changed since.** The best VAEs took richer priors: several levels of latents (NVAE, VDVAE) and quantised codes (VQ-VAE), which
sample well and give up the simple latent space seen here. A diffusion model is a VAE with a thousand levels and an encoder that is not
learnt but fixed: adding noise. And the VAE lives on inside it: latent diffusion (2022) first compresses images with one, then diffuses.
"""

from genviz.data import of
from genviz.family import Entry, Family, Recipe, Reply, Scene

MODEL = "genviz.families.vae.vae:VAE"
PLANE = Recipe(epochs=30, batch=200, lr=2e-3)
SMALL = Recipe(epochs=10, batch=100, lr=2e-3)
STRONG = Recipe(epochs=30, batch=64, lr=2e-3)  # 25,770 steps, the last 4,770 with 5 draws per picture
POINTS = Recipe(epochs=40, batch=500, lr=3e-3)


def _beta(name: str, beta: float) -> Entry:
    """One architecture for every beta, so that only beta differs."""
    changed = "Sixteen latents, and a KL term that is weighed: more than 1 keeps few of them, less than 1 nearly all."
    return Entry(name, f"VAE, beta = {beta:g}", MODEL, {"z_dim": 16, "net": "mlp", "width": 256, "beta": beta}, SMALL,
                 year=2017, after="vae_2d", changed=changed)  # fmt: skip


FAMILY = Family(
    name="vae",
    title="Variational autoencoders",
    short="VAEs",
    line="Every picture has a place in a latent space and every place decodes to a picture; sampling is one step, the likelihood a bound.",
    story=__doc__,
    models=(
        Entry(
            "vae_2d",
            "VAE, 2-D latent",
            MODEL,
            {"z_dim": 2, "net": "mlp", "width": 384},
            PLANE,
            year=2014,
            changed="An encoder guesses the latent of every picture, and is paid for in the loss.",
        ),
        _beta("beta_025", 0.25),
        _beta("beta_1", 1.0),
        _beta("beta_4", 4.0),
        Entry(
            "vae",
            "VAE, convolutional",
            MODEL,
            {"z_dim": 40, "net": "conv", "width": 64, "k": 5, "k_from": 21_000},
            STRONG,
            year=2016,
            after="vae_2d",
            changed="Convolutions, and several draws of the latent for one picture: a tighter bound.",
        ),
        Entry("plane", "VAE in the plane", "genviz.families.vae.plane:PlaneVAE", {"k": 8}, POINTS, of("points")),
    ),
    scenes=(
        Scene("Mean pictures", "vae", {"temperature": 1.0, "show": "mean"}),
        Scene("Pixels drawn, not averaged", "vae", {"temperature": 1.0, "show": "sample"}),
        Scene("Timid: prior scaled by 0.5", "vae", {"temperature": 0.5, "show": "mean"}),
        Scene("Beyond the prior: scaled by 1.8", "vae", {"temperature": 1.8, "show": "mean"}),
        Scene("Beta 0.25: good copies, odd samples", "beta_025", {"temperature": 1.0, "show": "mean"}),
        Scene("Beta 4: few latents speak", "beta_4", {"temperature": 1.0, "show": "mean"}),
    ),
    replies=(
        Reply(
            "vae",
            "reconstruct",
            "Encoded as {z_dim:.0f} numbers and decoded again. What is gone had no place among them; what it made up, it has seen before.",
            (("x_hat", "decoded again", "grey"),),
            parts=("x_hat",),
        ),
    ),
)
