"""PixelCNN: causality, exact likelihood, cached painting equal to the naive way, the blind spot."""

import numpy as np
import pytest
import torch

from genviz.families.autoregressive.painter import choose, cumulative
from genviz.families.autoregressive.pixel_cnn import GreyPixelCNN, PixelCNN

SMALL = {"context": 8, "width": 8, "inner": 8, "blocks": 2, "dilations": ((1, 1), (2, 2))}


def small(kind=PixelCNN, levels=2, noise=0.3):
    """A small net whose every weight is random, so that nothing is hidden by the zeros it starts with."""
    torch.manual_seed(0)
    model = kind(levels, **SMALL).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += noise * torch.randn_like(parameter)
    return model


def levels_of(model, n, seed=0):
    """Random images of the model's own levels."""
    index = torch.randint(model.levels, (n, 1, 28, 28), generator=torch.Generator().manual_seed(seed))
    return model.value(index)


def paint_naively(model, canvas, first, u, temperature):
    """The textbook sampler: the whole network once per pixel."""
    for i in range(first * 28, 784):
        r, c = divmod(i, 28)
        level = choose(cumulative(model.logits(canvas)[:, :, 0, r, c].numpy(), temperature), u[:, i])
        canvas[:, 0, r, c] = model.value(torch.from_numpy(level))
    return canvas


MODELS = [(PixelCNN, 2), (GreyPixelCNN, 16)]


@pytest.mark.parametrize(("kind", "levels"), MODELS)
def test_a_pixel_moves_no_logit_at_or_before_it(kind, levels):
    model = small(kind, levels)
    x = levels_of(model, 1)
    before = model.logits(x).flatten(3)  # (1, K, 1, 784)
    for start in range(0, 784, 98):
        js = torch.arange(start, start + 98)
        changed = x.repeat(len(js), 1, 1, 1).flatten(1)
        changed[torch.arange(len(js)), js] = 0.37
        moved = (model.logits(changed.view(-1, 1, 28, 28)).flatten(3) - before).abs().amax((1, 2)) > 1e-5  # (98, 784)
        for row, j in zip(moved, js.tolist(), strict=True):
            assert not row[: j + 1].any(), f"pixel {j} moves an earlier logit"
            assert j == 783 or row[j + 1 :].any(), f"pixel {j} moves nothing"


@pytest.mark.parametrize(("kind", "levels"), MODELS)
def test_probabilities_sum_to_one_and_log_prob_is_their_sum(kind, levels):
    model = small(kind, levels)
    x = levels_of(model, 3)
    p = model.conditional(x)
    assert p.shape == (3, levels, 28, 28)
    assert torch.allclose(p.sum(1), torch.ones(3, 28, 28), atol=1e-5)
    picked = p.double().gather(1, model.index(x)).log().flatten(1).sum(1)
    assert torch.allclose(model.log_prob(x).double(), picked, rtol=1e-5)
    assert model.log_prob(x).std() > 0


def test_log_prob_is_normalised_over_the_last_pixels():
    """Over all 2**4 endings of an image the probabilities sum to that of its beginning."""
    model = small()
    x = levels_of(model, 1)
    bits = torch.arange(16).unsqueeze(1).bitwise_and(torch.tensor([8, 4, 2, 1])).ne(0).float() * 2 - 1
    endings = x.repeat(16, 1, 1, 1)
    endings[:, 0, 27, 24:] = bits
    picked = model.conditional(x).double().gather(1, model.index(x)).log().flatten()
    assert torch.allclose(model.log_prob(endings).double().logsumexp(0), picked[:-4].sum(), rtol=1e-5)


@pytest.mark.parametrize(("kind", "levels", "n"), [(PixelCNN, 2, 1), (PixelCNN, 2, 4), (GreyPixelCNN, 16, 4)])
def test_cached_painting_equals_the_naive_way(kind, levels, n):
    model = small(kind, levels)
    frames = list(model.sample(n, model.Knobs(temperature=0.8), torch.Generator().manual_seed(5)))
    assert [f.step for f in frames] == [f.nfe for f in frames] == list(range(785))
    assert not frames[0].x.any()
    u = torch.rand(n, 784, generator=torch.Generator().manual_seed(5)).numpy()
    naive = paint_naively(model, torch.zeros(n, 1, 28, 28), 0, u, 0.8)
    assert torch.equal(frames[-1].x, naive)
    assert len(naive.unique()) == levels
    assert torch.equal(frames[100].x.flatten(1)[:, :100], naive.flatten(1)[:, :100]) and not frames[100].x.flatten(1)[:, 100:].any()


@pytest.mark.parametrize(("kind", "levels", "temperature"), [(PixelCNN, 2, 1.0), (PixelCNN, 2, 0.5), (GreyPixelCNN, 16, 1.0)])
def test_the_expected_picture_is_what_the_network_says_of_the_whole_one(kind, levels, temperature):
    """At the end of a film every pixel shows E[x_i | x_<i]; of black and white ones that is 2 p - 1, p the probability of white."""
    model = small(kind, levels)
    frames = list(model.sample(3, model.Knobs(temperature=temperature), torch.Generator().manual_seed(5)))
    p = (model.logits(frames[-1].x) / temperature).softmax(1)[:, :, 0]  # (3, K, 28, 28), all pixels at once
    expected = (p * model.value(torch.arange(levels)).view(-1, 1, 1)).sum(1, keepdim=True)
    assert torch.allclose(frames[-1].aux["expected"], expected, atol=1e-4)
    if levels == 2:
        assert torch.allclose((frames[-1].aux["expected"] + 1) / 2, p[:, 1:], atol=1e-4)
        assert temperature != 1 or torch.allclose(model.conditional(frames[-1].x), p, atol=1e-6)
    half, whole = (f.aux["expected"].flatten(1) for f in (frames[400], frames[-1]))
    assert torch.equal(half[:, :400], whole[:, :400]) and not half[:, 400:].any(), "the rest is not known yet"
    assert (expected - frames[-1].x).abs().max() > 0.5, "the draw is another picture"


def test_completion_keeps_the_given_rows_and_equals_the_naive_way():
    model = small()
    x = levels_of(model, 1)
    frames = list(model.complete(3, model.Knobs(), torch.Generator().manual_seed(1), x=x, rows=torch.tensor(20)))
    assert frames[0].steps == frames[-1].step == 8 * 28
    for frame in frames:
        assert torch.equal(frame.x[:, :, :20], x[:, :, :20].expand(3, -1, -1, -1))
        assert torch.equal(frame.aux["expected"][:, :, :20], frame.x[:, :, :20]), "what is given is certain"
    canvas = torch.zeros(3, 1, 28, 28)
    canvas[:, :, :20] = x[:, :, :20]
    u = torch.rand(3, 784, generator=torch.Generator().manual_seed(1)).numpy()
    assert torch.equal(frames[-1].x, paint_naively(model, canvas, 20, u, 1.0))
    with pytest.raises(ValueError, match="between 0 and 27"):
        next(model.complete(3, model.Knobs(), torch.Generator(), x=x, rows=torch.tensor(28)))


def test_choose_inverts_the_cumulative_distribution():
    logits = np.log(np.array([[0.2, 0.3, 0.5]], np.float32)).repeat(6, 0)
    u = np.array([0.0, 0.19, 0.21, 0.49, 0.51, 0.999], np.float32)
    assert choose(cumulative(logits, 1.0), u).tolist() == [0, 0, 1, 1, 2, 2]
    many = choose(cumulative(logits[:1].repeat(20000, 0), 0.5), np.random.default_rng(0).random(20000))
    assert np.allclose(np.bincount(many) / 20000, np.array([4, 9, 25]) / 38, atol=0.015)  # squares, normalised
    assert choose(cumulative(np.array([[-70.0, 70.0]]), 0.1), np.array([0.5])).tolist() == [1]


def test_preparation_gives_equally_spaced_levels():
    byte = torch.arange(256, dtype=torch.uint8).repeat(4)[:784].view(1, 1, 28, 28)
    grey = small(GreyPixelCNN, 16)
    x = grey.prepare(byte, torch.Generator())
    assert torch.equal(grey.index(x), byte.long() // 16)
    assert torch.allclose(x.unique(), torch.linspace(-1, 1, 16), atol=1e-6)
    binary = small().prepare(torch.full((1, 1, 28, 28), 64, dtype=torch.uint8).expand(50, -1, -1, -1), torch.Generator().manual_seed(0))
    assert set(binary.unique().tolist()) == {-1.0, 1.0}
    assert abs((binary > 0).float().mean() - 64 / 255) < 0.01


def predecessors(row, column):
    return {(r, c) for r in range(28) for c in range(28) if (r, c) < (row, column)}


def support(field):
    return {tuple(place) for place in field.nonzero().tolist()}


@pytest.mark.parametrize(("row", "column"), [(0, 0), (6, 9), (10, 14), (4, 27)])
def test_naive_mask_has_a_blind_spot_and_two_stacks_have_none(row, column):
    """Exact sets: two stacks see all predecessors (20 rows up), the naive mask none that is further right than up."""
    model = PixelCNN().eval()  # the shipped size, untrained
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    assert support(model.receptive_field(row, column)) == predecessors(row, column)
    wedge = {(r, c) for r, c in predecessors(row, column) if c - column > row - r}
    assert support(model.receptive_field(row, column, gated=False)) == predecessors(row, column) - wedge
    assert wedge or row == 0 or column == 27


def test_receptive_field_refuses_a_pixel_outside():
    with pytest.raises(ValueError, match="between 0 and 27"):
        small().receptive_field(28, 0)
