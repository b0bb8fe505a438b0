r"""## Energy-based models

**One number for a picture.** A network looks at a picture and answers with its *energy*: low where pictures are likely, high elsewhere,

$$p_\theta(x) = \frac{e^{-E_\theta(x)}}{Z_\theta}, \qquad Z_\theta = \int e^{-E_\theta(x)}\, dx.$$

No masks, no invertible layers, no latent code, no decoder: from outside it looks like a classifier with one output. The price is $Z$.
Nobody can compute it for pictures, so there is no likelihood to report, only differences of energies, that is ratios of probabilities.

**Learning has two phases.** $Z$ drops out of the gradient of the log-likelihood, and what is left is a difference of two averages:

$$-\nabla_\theta \log p_\theta(x) = \nabla_\theta E_\theta(x) \;-\; \mathbb E_{\tilde x \sim p_\theta}\, \nabla_\theta E_\theta(\tilde x).$$

Push the energy down where the data are; push it up where the model believes data to be. When the model's samples can no longer be told
from data, the two pushes cancel. It is the game of a GAN with one player: the energy is its own generator.

**Samples come from chains.** From any picture, take a small step downhill and add a little noise, again and again (*Langevin dynamics*):

$$x' = x - \tfrac{s^2}{2}\, \nabla_x E_\theta(x) + s\,\varepsilon, \qquad \varepsilon \sim \mathcal N(0, I).$$

Given enough small steps the chain visits each picture as often as $p_\theta$ says. MALA and HMC refuse some steps and are exact for large
ones too; in the plane all three can be watched. How long is enough? Where the landscape has deep valleys far apart, a chain may never
change from one to another. That, and two averages that must be balanced against each other, made training hard and prone to run away.

**What helps.** A *replay buffer* keeps the chains from one step of learning to the next, so that each needs only a few moves per batch.
And the energies are those of pictures with noise on them, $y = x + \sigma\varepsilon$: with much noise the landscape is one wide
bowl, with little it has a valley for every kind of picture. A chain begins hot and *cools down* from $\sigma = 10$ to $0.25$, so it need
not climb from valley to valley. The slope also gives the clean picture back, $\hat x_0 = y - \sigma^2 \nabla_y E(y)$: the last step of
every walk here is this *jump*, and that it should land near the data is a second lesson, learnt beside the two phases (*denoising score
matching*).

**A classifier inside.** With an energy for every picture *and class*, $p(x, c) \propto e^{-E(x, c)}$, the sum over the classes gives
$p(x)$ and Bayes' rule gives a classifier, $p(c \mid x) = e^{-E(x, c)} / \sum_k e^{-E(x, k)}$. The other way round, the logits of any
classifier are energies in disguise. So a chain can be told where to go, downhill on $E(x) - w \log p(c \mid x)$, and $w > 1$ exaggerates
the class.

**In the plane** the same can be seen from above. Without noise the valleys are narrow, and around them lies a plateau with hollows that
no data made, for learning never saw it: every fourth chain that starts there is caught (*Langevin from far away: stuck on the plateau*).
With noise the valleys are wide and meet, and cooling brings the chains home.

**What a low energy says.** Less than one would hope. On Fashion-MNIST a blank picture, no garment at all, lies lower than most test images:
the model was only told to raise the energy where its own chains went. Ask *Energy of an image*.

**What has changed.** Pictures of this quality from an explicit energy date from 2019. Soon after, score-based and diffusion models took
over by learning the slope $\nabla_x \log p$ directly, at many noise levels: no chains in training and no $Z$ either. Energies live on
where they are natural: in physics, in combining several models by adding them up, and in reading a classifier as an energy.

*Hinton 2002; LeCun et al. 2006; Tieleman 2008; Neal 2011; Vincent 2011; Du, Mordatch 2019; Nijkamp et al. 2020; Grathwohl et al.
2020; Gao et al. 2021.*
"""

from genviz.data import of
from genviz.family import Entry, Family, Recipe, Reply, Scene

FAMILY = Family(
    name="ebm",
    title="Energy-based models",
    short="Energy-based",
    line="Gives every picture one number, its energy, and finds samples by walking downhill with some noise.",
    story=__doc__ or "",
    models=(
        Entry(
            "ebm",
            "Energy-based model, Langevin",
            "genviz.families.ebm.ebm:EBM",
            {"fine": 32, "middle": 64, "coarse": 128, "blocks": 2},
            Recipe(epochs=30, batch=64, lr=1e-3, warmup=0.02, betas=(0.9, 0.99), ema=0.999, half="autocast"),
            year=2019,
            changed="A network gives every picture an energy; Langevin dynamics walks downhill, with noise.",
        ),
        Entry(
            "plane",
            "Energy in the plane",
            "genviz.families.ebm.plane:Plane",
            {"width": 64, "layers": 3},
            Recipe(epochs=20, batch=256, lr=3e-3, warmup=0.02, betas=(0.9, 0.99), ema=0.998),
            of("points"),
        ),
    ),
    scenes=(
        Scene("No noise: straight downhill", "ebm", {"noise": 0.0}),
        Scene("No class told", "ebm", {"guidance": 0.0}),
        Scene("In a hurry: 30 steps", "ebm", {"steps": 30}),
        Scene("A slow one: 400 steps", "ebm", {"steps": 400}),
        Scene("Too hot: a fifth more noise", "ebm", {"noise": 1.2}),
        Scene("Steps too large: all of a class alike", "ebm", {"step_size": 1.7}),
        Scene("Langevin from far away: stuck on the plateau", "plane", {"hottest": 0.02, "step_size": 4.0}),
        Scene("Straight downhill: no noise in the steps", "plane", {"noise": 0.0}),
        Scene("In a hurry: 20 steps", "plane", {"steps": 20}),
    ),
    replies=(
        Reply(
            "ebm",
            "energy",
            "E(x) = {energy:,.0f}. Test images with a lower energy, likelier to the model: {below} of {many}.",
            parts=("energy",),
            ranked="energy",
        ),
        Reply(
            "ebm",
            "chains",
            "Three chains begin at the picture, walk downhill with some noise, and end where the model thinks pictures are.",
            (("first", "with noise", "grey"), ("last", "where they end", "grey")),
        ),
    ),
)
