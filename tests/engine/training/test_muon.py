import pytest
import torch
from torch import Tensor, nn

from engine.training.muon import Muon, orthogonalise


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(8, 8), (4, 20), (20, 4), (3, 6, 10), (2, 3, 12, 5)])
def test_an_update_has_singular_values_near_one(shape: tuple[int, ...]) -> None:
    x = orthogonalise(normal(*shape))
    assert x.shape == shape
    values = torch.linalg.svdvals(x.float())
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_directions_stay_those_of_the_gradient() -> None:
    gradient = normal(6, 10)
    u, _, vt = torch.linalg.svd(gradient, full_matrices=False)
    # The nearest semi-orthogonal matrix is u @ vt: the update points where it points.
    cosine = torch.nn.functional.cosine_similarity(
        orthogonalise(gradient).float().flatten(), (u @ vt).flatten(), dim=0
    )
    assert cosine > 0.97


def test_leading_axes_are_matrices_of_their_own() -> None:
    gradient = torch.stack([normal(5, 7, seed=1), normal(5, 7, seed=2) * 1000])
    together = orthogonalise(gradient)
    for one, alone in zip(together, gradient, strict=True):
        torch.testing.assert_close(one, orthogonalise(alone), atol=0.03, rtol=0)


def test_a_gradient_of_zeros_gives_no_update() -> None:
    assert not orthogonalise(torch.zeros(3, 4)).any()


def test_parts_of_a_split_are_orthogonalised_apart() -> None:
    gradient = torch.cat([normal(4, 6, seed=1), normal(4, 9, seed=2) * 100], dim=1)
    p, apart = nn.Parameter(torch.zeros(4, 15)), [nn.Parameter(torch.zeros(4, n)) for n in (6, 9)]
    p.grad = gradient
    for part, grad in zip(apart, gradient.split([6, 9], dim=1), strict=True):
        part.grad = grad.clone()
    Muon([{"params": [p], "split": (6, 9)}], lr=0.1).step()
    Muon(apart, lr=0.1).step()
    torch.testing.assert_close(p.detach(), torch.cat([part.detach() for part in apart], dim=1))
    # The size of an update follows its own part's longer side.
    rms = [float(part.detach().norm() / part.numel() ** 0.5) for part in apart]
    assert rms[0] == pytest.approx(0.1 * 0.2, rel=0.3)
    assert rms[1] == pytest.approx(0.1 * 0.2, rel=0.3)


def test_the_update_does_not_feel_the_gradients_size() -> None:
    results = []
    for scale in (1e-3, 1e3):
        p = nn.Parameter(torch.ones(4, 6))
        p.grad = normal(4, 6) * scale
        Muon([p], lr=0.1).step()
        results.append(p.detach())
    torch.testing.assert_close(*results, atol=2e-3, rtol=0)


def test_momentum_is_nesterovs_and_is_kept_between_steps() -> None:
    p = nn.Parameter(torch.zeros(4, 4))
    muon = Muon([p], lr=0.1, momentum=0.9)
    first, second = normal(4, 4, seed=1), normal(4, 4, seed=2)
    for gradient in (first, second):
        p.grad = gradient.clone()
        muon.step()
    expected = 0.9 * 0.1 * first + 0.1 * second
    torch.testing.assert_close(muon.state[p]["momentum"], expected)


def test_weight_decay_shrinks_what_has_no_gradient_of_its_own() -> None:
    p = nn.Parameter(torch.ones(3, 3))
    p.grad = torch.zeros(3, 3)
    Muon([p], lr=0.5, weight_decay=0.1).step()
    torch.testing.assert_close(p.detach(), torch.full((3, 3), 0.95))


def test_parameters_without_a_gradient_are_left_alone() -> None:
    p = nn.Parameter(torch.ones(3, 3))
    Muon([p], lr=0.5, weight_decay=0.1).step()
    assert torch.equal(p.detach(), torch.ones(3, 3))


def test_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)


def test_it_learns_a_linear_map() -> None:
    torch.manual_seed(0)
    target = normal(6, 6)
    p = nn.Parameter(torch.zeros(6, 6))
    muon = Muon([p], lr=0.1, weight_decay=0.0)
    x = normal(64, 6, seed=3)
    losses = []
    for _ in range(200):
        loss = (x @ p - x @ target).pow(2).mean()
        p.grad = torch.autograd.grad(loss, p)[0]
        muon.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 20
