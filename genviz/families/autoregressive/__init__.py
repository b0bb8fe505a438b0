r"""Paint a picture one pixel at a time, and ask at every pixel: *given everything painted so far, what comes next?*
That question, asked 784 times, is a complete model of images, because every joint distribution is a product of conditionals:

$$p(x) = \prod_{i=1}^{784} p(x_i \mid x_1, \dots, x_{i-1})$$

The order is ours to choose; here it is raster order, row by row from the top left. Nothing is approximated: $\log p(x)$ is a sum of 784
numbers that the network prints, so training is plain maximum likelihood and held-out likelihood is an honest test.

**One network, 784 conditionals.** Running a network once per pixel would make training hopeless. A *masked convolution* sees only pixels
that come before its own, so one pass over a whole image gives all conditionals at once (PixelCNN, van den Oord et al. 2016). The obvious
mask, a 3 x 3 kernel whose lower half is zero, has a **blind spot**: stacked, it never reaches a wedge of pixels above and to the right.
The Gated PixelCNN mends it with two stacks: a *vertical* one reads all rows above, a *horizontal* one reads the row so far and listens to
the first. The model here has the two stacks; residual blocks with ReLU stand where the paper has gates, because on a CPU they learnt
more in the same time. Look at both masks under *Receptive field*.

**What distribution for a pixel?** For black and white: one probability. For grey levels: a softmax over the levels (here 16; 256 would be
expensive and does not know that 100 is next to 101), or a mixture of discretised logistics (PixelCNN++), or, for values in $[0, 1]$, a
Beta, Kumaraswamy or Logit-Normal density.

**For and against.** Best likelihoods of all families for years, and conditioning is free: give the top rows and the model paints the rest.
But sampling takes one step per pixel. Remembering what earlier pixels computed makes each step cheap; there are still 784 of
them, one after the other. And there is no latent $z$: nothing to interpolate, no representation to keep.

**In the plane** the product has two factors, $p(x_1)\, p(x_2 \mid x_1)$: first where across, then how high up. There the true density is
known, and a cut along any $x_1$ shows the learnt conditional beside the right one.

**What changed since.** The idea moved from pixels to tokens: masked attention (PixelSNAIL, Image Transformer, Sparse Transformer), sound
(WaveNet), and language models of the GPT kind, which are this page with words for pixels. For images, diffusion took the lead in
quality, and today's autoregressive image models paint learnt tokens instead of pixels.
"""

from genviz.data import of
from genviz.family import Entry, Family, Recipe, Reply, Scene

BINARY = Recipe(epochs=9, batch=8, lr=2.5e-3, warmup=0.02, clip=100.0, ema=0.9985, half="autocast")
DEEP = {"blocks": 5, "dilations": ((1, 1), (2, 1), (4, 2), (8, 4), (1, 1), (4, 2))}
GREY = Recipe(epochs=0.6, batch=8, lr=2.5e-3, warmup=0.04, clip=100.0, ema=0.997, half="autocast")
POINTS = Recipe(epochs=40, batch=500, lr=3e-3)

FAMILY = Family(
    name="autoregressive",
    title="Autoregressive models",
    short="Autoregressive",
    line="Paints one pixel at a time, each drawn from what the pixels before it make likely; exact likelihood, slow sampling, no latent.",
    story=__doc__,
    models=(
        Entry(
            "pixel_cnn",
            "PixelCNN, black and white",
            "genviz.families.autoregressive.pixel_cnn:PixelCNN",
            {"levels": 2, **DEEP},
            BINARY,
            year=2016,
            changed="Convolutions that see only what is painted already give every pixel its probability.",
        ),
        Entry(
            "pixel_cnn_grey",
            "PixelCNN, 16 grey levels",
            "genviz.families.autoregressive.pixel_cnn:GreyPixelCNN",
            {"levels": 16},
            GREY,
            year=2016,
            after="pixel_cnn",
            changed="A pixel has sixteen grey levels, in place of black and white.",
        ),
        Entry("plane", "Two numbers in the plane", "genviz.families.autoregressive.plane:PlanePixels", {}, POINTS, of("points")),
    ),
    scenes=(
        Scene("As learnt", "pixel_cnn", {"temperature": 1.0}),
        Scene("Cautious: temperature 0.5", "pixel_cnn", {"temperature": 0.5}),
        Scene("Reckless: temperature 1.5", "pixel_cnn", {"temperature": 1.5}),
    ),
    replies=(
        Reply(
            "pixel_cnn",
            "complete",
            "It keeps the upper half, in black and white, and paints the rest: each pixel is drawn from what all before it make likely.",
            (("first", "given", "grey"), ("last", "completed", "grey")),
            given={"rows": 14},
        ),
    ),
)
