r"""## Diffusion

**Destroying a picture is easy.** Add a little Gaussian noise, again and again, until only noise is left. Because Gaussian steps
add up, every moment of this *forward process* can be made in one line:

$$x_t = \alpha_t\, x + \sigma_t\, \varepsilon, \qquad \varepsilon \sim \mathcal N(0, I), \qquad t \in [0, 1].$$

Here $\alpha_t = \cos(\pi t/2)$ and $\sigma_t = \sin(\pi t/2)$: at $t=0$ the picture, at $t=1$ pure noise. Nothing is learnt so far.

**The way back is learnt.** A network sees $x_t$ and the noise level and says what was mixed. It is trained by plain least squares,
on one random moment of one random picture at a time:

$$\min_\theta\; \mathbb E \,\bigl\| v_\theta(x_t, t) - v \bigr\|^2, \qquad v = \alpha_t\, \varepsilon - \sigma_t\, x.$$

From $v$ follow the current guess of the picture and of the noise, $\hat x_0 = \alpha_t x_t - \sigma_t v_\theta$ and
$\hat\varepsilon = \sigma_t x_t + \alpha_t v_\theta$. Seen through a lower bound on $\log p(x)$ this is a very deep VAE whose encoder
is fixed; up to the weight of each noise level the loss *is* that bound. No invertible layers are needed, and no second player as in a GAN.

**To sample, walk back from noise.** Early guesses $\hat x_0$ are blurred averages of everything that is still possible; details are
decided late. *DDPM* undoes hundreds of small steps and adds fresh noise after each. *DDIM* removes the chance: the
walk becomes an ordinary differential equation, and each noise belongs to one picture. *Heun* and *DPM-Solver++* solve that equation
with far fewer calls of the network.

**The same thing from another side.** The network knows the gradient of the log density of noisy pictures, the *score*:
$\nabla_{x_t} \log p_t(x_t) = (\alpha_t \hat x_0 - x_t)/\sigma_t^2$. That is where score-based models start from.

**In the plane** the score of the data has a formula at every noise level, so the network's arrows can be laid over the true ones, and
the way of every point can be followed.

**Guidance.** The class was hidden from the network for one training picture in ten, so it answers with and without it. Stretching the
difference, $\hat x_0 = \hat x_0^{\text{any}} + w\,(\hat x_0^{\text{class}} - \hat x_0^{\text{any}})$ with $w > 1$, gives clearer and
less varied pictures.

**What has changed.** In 2020 this was an expensive curiosity beside GANs. Better noise schedules, solvers and guidance made diffusion the
standard for images, sound and video within two years; its price is still a walk of several network calls where a GAN needs one.

*Sohl-Dickstein et al. 2015; Ho, Jain, Abbeel 2020; Song et al. 2021; Karras et al. 2022; Ho, Salimans 2022; Lu et al. 2022.*
"""

from genviz.data import of
from genviz.family import Entry, Family, Recipe, Reply, Scene

FAMILY = Family(
    name="diffusion",
    title="Diffusion",
    short="Diffusion",
    line="Adds noise until nothing is left, and learns to walk back: many small steps instead of one.",
    story=__doc__ or "",
    models=(
        Entry(
            "ddpm",
            "Diffusion, class-conditional",
            "genviz.families.diffusion.diffusion:Diffusion",
            {"fine": 32, "coarse": 96, "fine_blocks": 2, "coarse_blocks": 5},
            Recipe(epochs=36, batch=64, lr=2e-3, warmup=0.03, betas=(0.9, 0.99), ema=0.999, half="convolutions"),
            year=2020,
            changed="One network takes away noise of every size; a picture is noise from which all was taken.",
        ),
        Entry(
            "plane",
            "Diffusion in the plane",
            "genviz.families.diffusion.plane:PlaneDiffusion",
            {},
            Recipe(epochs=45, batch=500, lr=3e-3),
            of("points"),
        ),
    ),
    scenes=(
        Scene("Ten calls: DPM-Solver++", "ddpm", {"sampler": "dpm_solver", "steps": 10, "guidance": 1.0}),
        Scene("The first sampler: DDPM, 250 steps", "ddpm", {"sampler": "ddpm", "steps": 250, "guidance": 1.0}),
        Scene("Too few steps for DDPM", "ddpm", {"sampler": "ddpm", "steps": 10, "guidance": 1.0}),
        Scene("The plain model, no guidance", "ddpm", {"guidance": 1.0}),
        Scene("Guidance 4: clear and alike", "ddpm", {"guidance": 4.0}),
    ),
    replies=(
        Reply(
            "ddpm",
            "diffuse",
            "Half picture, half noise, and back: three pictures that could lie under such noise. The shape stays, the strokes are its own.",
            (("first", "with noise", "grey"), ("last", "denoised", "grey")),
            given={"t": 0.5},
        ),
    ),
)
