r"""A sheet of rubber with a bell of sand on it: stretch the sheet here, squeeze it there, and the bell takes any shape that you like. No
grain is lost, so wherever the sheet is stretched the sand lies thinner by just that factor. That is a **normalising flow**: an invertible
map $f$ between pictures $x$ and points $z$ of a simple prior $N(0, I)$, with as many numbers on one side as on the other, and the
bookkeeping of how much it stretches:

$$\log p(x) \;=\; \log N(f(x); 0, I) \;+\; \underbrace{\log \left| \det \frac{\partial f(x)}{\partial x} \right|}_{\text{ladj}}$$

The likelihood of the density is exact, training is plain maximum likelihood, sampling is one pass the other way, $x = f^{-1}(z)$, and
every picture has exactly one $z$, found without an encoder. Nothing has to be approximated. The art is in the layers.

**Layers that can be undone.** A determinant of 784 x 784 numbers is hopeless in general and trivial for a triangular matrix. A *coupling*
makes it triangular: some pixels rest, and a network of any kind reads them and says how the others shall move (NICE, RealNVP; Dinh et al.
2015, 2017). To undo it, read the same resting pixels and move back; the network itself is never inverted. Between couplings, *ActNorm*
scales the channels and an *invertible 1 x 1 convolution* mixes them (Glow; Kingma and Dhariwal 2018). Here a coupling does not only shift
and stretch, it bends each pixel along the distribution function of a mixture of logistics (Flow++; Ho et al. 2019), so that *black or
white, but not grey* takes one layer.

**Coarse and fine.** The picture is folded, 2 x 2 pixels into four channels. Three of the four are settled at 14 x 14, each seeing all
that are not settled yet; the fourth is a thumbnail, which is folded again, and so on. Undone, that means: first 49 pixels, then those
between them, then the rest. Watch it under *Layer by layer*.

**Bytes are not a continuum.** A density may rise without bound at the 256 values that a pixel can have, and then "likelihood" says
nothing. So noise $u$ fills the gap to the next byte, and the bytes get a bound after all,

$$\log P(x) \;\ge\; \mathbb{E}_{q(u \mid x)} \big[ \log p(x + u) - \log q(u \mid x) \big],$$

where $q$ may be uniform (Theis et al. 2016) or, as here, a small flow of its own that is trained along (variational dequantisation). This
is why the table says *bound* for the bytes although the density is exact.

**For and against.** Both directions, exact densities, no games and no chains. But $z$ is as large as $x$: nothing is compressed. Every
layer must be undoable, which costs depth: a flow spends more parameters on the same likelihood than an autoregressive model, whose own
triangular map it could be. The map cannot tear, so islands of data stay connected by thin bridges (see it in the plane). And a high
density is not a familiar picture: flows trained on clothes give digits *more* likelihood than clothes (Nalisnick et al. 2019), because
smooth, dark pictures are cheap for any model of pixels.

**What changed since.** In 2018 Glow's faces were a sensation. Diffusion then gave better pictures with ordinary networks; its
probability-flow ODE *is* a flow, one with continuous time, and *flow matching* (2022) trains such maps without ever solving them: the
idea lives on in the largest image models, under another name. Where an exact density matters more than a beautiful picture, in physics
and in inference, coupling and spline flows are daily tools. And in 2024 transformers inside the couplings (TarFlow) brought the plain
kind back within sight of diffusion.
"""

from genviz.data import of
from genviz.family import Entry, Family, Recipe, Reply, Scene

FAMILY = Family(
    name="flow",
    title="Normalising flows",
    short="Flows",
    line="Bends noise into pictures by layers that can all be undone: every picture has its noise, and a density that can be computed.",
    story=__doc__ or "",
    models=(
        Entry(
            "flow",
            "Coupling flow, multi-scale",
            "genviz.families.flow.flow:Flow",
            {"fine": 32, "coarse": 64, "depth": 2, "rounds": 1, "pieces": 4},
            Recipe(epochs=100, batch=32, lr=2e-3, betas=(0.9, 0.99), ema=0.999),
            year=2019,
            changed="Couplings bend every pixel along a curve with several modes, and the noise between the bytes is learnt.",
        ),
        Entry(
            "plane",
            "Coupling flow in the plane",
            "genviz.families.flow.plane:Plane",
            {"couplings": 6, "width": 48, "pieces": 8},
            Recipe(epochs=30, batch=256, lr=3e-3),
            of("points"),
        ),
    ),
    scenes=(
        Scene("The model as it is", "flow", {"temperature": 1.0}),
        Scene("Timid: prior scaled by 0.7", "flow", {"temperature": 0.7}),
        Scene("One picture only: z = 0", "flow", {"temperature": 0.0}),
        Scene("Beyond the prior: scaled by 1.2", "flow", {"temperature": 1.2}),
    ),
    replies=(
        Reply(
            "flow",
            "invert",
            "To its noise and back: no pixel changed by more than {error:.7f}, where black to white is 2. A flow can undo all its layers.",
            (("z", "its z, blue below 0", "signed:3"), ("back", "back again", "grey")),
        ),
    ),
)
