"""Story to come."""

from genviz.family import Entry, Family, Recipe

MODEL = "genviz.families.vae.vae:VAE"
PLANE = Recipe(epochs=30, batch=200, lr=2e-3)
SMALL = Recipe(epochs=10, batch=100, lr=2e-3)
STRONG = Recipe(epochs=16, batch=64, lr=2e-3)  # 13,744 steps; the last 1,744 with 5 draws per picture


def _beta(name: str, beta: float) -> Entry:
    return Entry(name, f"beta-VAE, beta = {beta:g}", MODEL, {"z_dim": 16, "net": "mlp", "width": 256, "beta": beta}, SMALL)


FAMILY = Family(
    "vae",
    "Variational autoencoders",
    "A map of the data: every picture has a place in a latent space, every place decodes to a picture.",
    __doc__ or "",
    (
        Entry("vae_2d", "VAE, 2-D latent", MODEL, {"z_dim": 2, "net": "mlp", "width": 384}, PLANE),
        _beta("beta_025", 0.25),
        _beta("beta_1", 1.0),
        _beta("beta_4", 4.0),
        Entry("vae", "VAE, convolutional", MODEL, {"z_dim": 40, "net": "conv", "width": 64, "k": 5, "k_from": 12_000}, STRONG),
    ),
)
