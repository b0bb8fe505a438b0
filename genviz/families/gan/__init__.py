r"""Two networks play against each other. The **generator** $G$ is a forger: it turns a draw $z$ from $N(0, I)$ into a picture $G(z)$.
The **discriminator** $D$ is an expert: it sees real and forged pictures and says how probable it is that one is real. Neither has a
target of its own; each is the other's task:

$$\min_G \max_D \;\; \mathbb{E}_{x \sim p_{\text{data}}} \log D(x) \;+\; \mathbb{E}_{z \sim N(0, I)} \log\big(1 - D(G(z))\big)$$

Suppose the expert is as good as it can be. Then it answers $D(x) = p_{\text{data}}(x) / (p_{\text{data}}(x) + p_G(x))$, and what is
left for the forger is to lower the Jensen-Shannon divergence between $p_G$ and $p_{\text{data}}$, which is zero only where the two
are the same (Goodfellow et al. 2014). No density is written down anywhere, nothing is integrated and no pixel is compared with a
pixel, which is why the pictures are sharp where a VAE's are soft. After training the expert is thrown away, and a sample is one
call of the forger. Under *Discriminator* it is kept for once and can be asked.

**Why it is hard.** The sum has no minimum that both walk down to; the players can chase each other in circles, the expert can win
and leave the forger without a slope to follow, and the forger can forget whole kinds of pictures (*mode collapse*) as long as the
rest passes. The loss of neither tells how good the pictures are: see *The game watched*, where the losses lie flat while the
pictures improve.

**Ten years of tricks.** Convolutions and batch norm made it work (DCGAN, 2016), statistics of whole batches fought collapse
(Improved GAN, 2016), a distance that has a slope everywhere replaced the divergence (Wasserstein GAN and its gradient penalty,
2017), pictures grew while training (Progressive GAN, 2018), the expert was kept smooth (spectral normalisation, 2018), attention
joined distant parts (SAGAN, 2019), and scale with *truncation*, drawing $z$ only from the middle, gave class-conditional ImageNet
(BigGAN, 2019). The models here use what a later look back kept of all that (Huang et al. 2024): expert and forger are compared *in
pairs* of a real and a forged picture, and the expert is charged for steep slopes, $\tfrac{\gamma}{2}\, \mathbb{E} \|\nabla_x D\|^2$
at real and at forged pictures.

**Conditions.** Tell the class to both players, and the forger paints on request: in the *Class grid* one $z$ gives ten digits in
one hand. Without labels, a code that must be readable from the picture finds categories by itself (InfoGAN, 2016), or what the
expert sees in the pictures is sorted into clusters, and these are told instead: the *self-conditioned* GAN here (2020) makes better
draws than the plain one. With a picture as the condition, two forgers and two experts translate between horses and zebras without a single
pair of examples (CycleGAN, 2017).

**For and against.** Sampling is one step, and the latent space is smooth: walk through it. But there is **no density**: nobody can
say how likely a picture is, and held-out likelihood is no measure. Instead one compares features of a classifier, the Inception
score (2016) or the Frechet distance (FID, 2017); both see only what their classifier sees, and both are disputed. And there is no
encoder, unless one is trained beside the others (BiGAN, 2017): a picture can be painted from $z$, but not taken back to it.

**What changed since.** In 2021 diffusion models overtook GANs on ImageNet, and text-to-image systems followed them; training by a
plain regression was worth many steps at sampling time. GANs stayed where one step matters: StyleGAN for faces, experts inside the
autoencoders of latent diffusion, and since 2023 as the teacher that distils a diffusion model into one to four steps (adversarial
diffusion distillation). Now the forger is a diffusion model, and the game goes on.
"""

from genviz.data import of
from genviz.family import Entry, Family, Recipe, Reply, Scene

# Held-out pictures got worse again whenever the rate fell to zero: the players go on moving, and it is their average that settles.
PICTURES = Recipe(epochs=50, batch=64, lr=1e-3, warmup=0.01, last=0.4, betas=(0.0, 0.99), clip=100.0, ema=0.999, half="autocast")
# To tell an island of the data from the water 0.2 beside it, D must be steep. At the penalty of the pictures, a third of the points of
# `twenty_five_gaussians` lay on the threads between the islands.
PLANE = {"width": 128, "layers": 3, "gamma": 0.01}
POINTS = Recipe(epochs=40, batch=256, lr=2e-3, warmup=0.01, betas=(0.0, 0.99), clip=100.0, ema=0.995)

FAMILY = Family(
    name="gan",
    title="Generative adversarial networks",
    short="GANs",
    line="A forger and an expert learn from each other; a picture is one step away, but nobody can say how likely it is.",
    story=__doc__ or "",
    models=(
        Entry(
            "gan",
            "GAN",
            "genviz.families.gan.gan:GAN",
            {},
            PICTURES,
            year=2014,
            changed="A discriminator is the loss of a generator, and both learn.",
        ),
        Entry(
            "conditional_gan",
            "GAN, class-conditional",
            "genviz.families.gan.gan:ConditionalGAN",
            {},
            PICTURES,
            year=2014,
            after="gan",
            changed="Both players are told the class.",
        ),
        Entry(
            "self_conditioned_gan",
            "GAN, self-conditioned",
            "genviz.families.gan.gan:SelfConditionedGAN",
            {"deeper": 2},
            PICTURES,
            year=2020,
            after="conditional_gan",
            changed="The classes are clusters that the discriminator finds by itself.",
        ),
        Entry("plane", "GAN in the plane", "genviz.families.gan.plane:Plane", PLANE, POINTS, data=of("points")),
    ),
    scenes=(
        Scene("Typical: z held within 0.5", "gan", {"truncation": 0.5}),
        Scene("One class, many draws", "conditional_gan", {"label": 7}),
        Scene("No draw at all: z = 0", "conditional_gan", {"truncation": 0.0}),
    ),
    replies=(
        Reply(
            "gan",
            "judge",
            "D(x) = {score:.1f}. Test images that look less real to the discriminator: {below} of {many}. A GAN can judge a picture, "
            "and no more: it has no encoder to copy it with.",
            (("gradient", "to look more real: orange brighter, blue darker", "signed"),),
            parts=("score", "gradient"),
            ranked="score",
        ),
    ),
)
