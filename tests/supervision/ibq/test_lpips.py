"""LPIPS is what its authors' code computes, and its files are read as they are published."""

from pathlib import Path

import pytest
import torch
from tests.official_lpips import distance, random_vgg, random_weights

from vistok.errors import VistokError
from vistok.supervision.ibq.lpips import Lpips, from_released

FILES = (Path("vgg16.pth"), Path("vgg.pth"))


def test_it_is_the_published_distance_and_its_gradient() -> None:
    vgg, learnt = random_vgg(), random_weights()
    lpips = Lpips()
    lpips.load_state_dict(from_released(vgg, learnt, sources=FILES))
    lpips.requires_grad_(False)
    generator = torch.Generator().manual_seed(2)
    images, painted = (torch.rand(3, 3, 48, 48, generator=generator) * 2 - 1 for _ in range(2))
    seen, wanted = (painted.clone().requires_grad_(True) for _ in range(2))
    value, expected = lpips(images, seen), distance(vgg, learnt, images, wanted)
    assert value.item() == pytest.approx(expected.mean().item(), rel=1e-5) and value.item() > 0.1
    value.backward()
    expected.mean().backward()
    assert seen.grad is not None and wanted.grad is not None
    assert torch.allclose(seen.grad, wanted.grad, rtol=1e-3, atol=1e-9)
    assert lpips(images, images).item() == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"features.0.weight": None}, r"vgg16\.pth is no part of LPIPS with VGG16: features\.0\.weight is missing"),
        ({"features.28.bias": torch.zeros(3)}, r"features\.28\.bias is of shape \(3,\), and \(512,\) is needed"),
    ],
)  # fmt: skip
def test_another_file_is_refused(changed: dict[str, torch.Tensor | None], said: str) -> None:
    vgg = {name: tensor for name, tensor in {**random_vgg(), **changed}.items() if tensor is not None}
    with pytest.raises(VistokError, match=said):
        from_released(vgg, random_weights(), sources=FILES)
    with pytest.raises(
        VistokError, match=r"vgg\.pth is no part of LPIPS .*lin0.model.1.weight is missing.*fetch"
    ):
        from_released(random_vgg(), random_vgg(), sources=FILES)


def test_as_many_numbers_in_another_shape_are_refused() -> None:
    """A kernel or weights that lie otherwise would be read in the wrong order."""
    vgg, learnt = random_vgg(), random_weights()
    turned = vgg | {"features.2.weight": vgg["features.2.weight"].reshape(64, 3, 64, 3)}
    with pytest.raises(VistokError, match=r"features\.2\.weight is of shape \(64, 3, 64, 3\), and"):
        from_released(turned, learnt, sources=FILES)
    name = "lin1.model.1.weight"
    for shape in ((128,), (128, 1, 1, 1), (1, 1, 8, 16)):
        with pytest.raises(VistokError, match=r"lin1.* and \(1, 128, 1, 1\) is needed"):
            from_released(vgg, learnt | {name: learnt[name].reshape(shape)}, sources=FILES)
