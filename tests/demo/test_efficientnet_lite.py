"""The graph of EfficientNet-Lite, with random weights; the published ones are tried in test_prepare."""

from collections.abc import Iterator

import numpy as np
import openvino as ov
import pytest

from calibench.demo.efficientnet_lite import STAGES, VARIANTS, Variant, _repeats, build_efficientnet_lite
from calibench.errors import ModelError

State = dict[str, np.ndarray]


def shapes(variant: Variant) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes as the published files have them."""

    def layer(name: str, norm: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.weight", shape
        yield from ((f"{norm}.{part}", shape[:1]) for part in ("weight", "bias", "running_mean", "running_var"))
        yield f"{norm}.num_batches_tracked", ()

    yield from layer("_conv_stem", "_bn0", 32, 3, 3, 3)
    channels, index = 32, 0
    for stage in STAGES:
        for _ in range(_repeats(stage, variant)):
            name, wide = f"_blocks.{index}.", channels * stage.expansion
            if stage.expansion > 1:
                yield from layer(f"{name}_expand_conv", f"{name}_bn0", wide, channels, 1, 1)
            yield from layer(f"{name}_depthwise_conv", f"{name}_bn1", wide, 1, stage.kernel, stage.kernel)
            yield from layer(f"{name}_project_conv", f"{name}_bn2", stage.channels, wide, 1, 1)
            channels, index = stage.channels, index + 1
    yield from layer("_conv_head", "_bn1", 1280, 320, 1, 1)
    yield from (("_fc.weight", (1000, 1280)), ("_fc.bias", (1000,)))


def random_state(name: str) -> State:
    random = np.random.default_rng(0)
    return {key: random.uniform(0.01, 0.1, shape).astype(np.float32) for key, shape in shapes(VARIANTS[name])}


@pytest.mark.parametrize(("name", "blocks"), [("lite0", 16), ("lite1", 21)])
def test_the_graph_has_the_published_shape(name: str, blocks: int) -> None:
    model = build_efficientnet_lite(random_state(name), VARIANTS[name])
    kinds = [node.get_type_name() for node in model.get_ops()]
    size = VARIANTS[name].image_size
    assert model.input("image").partial_shape == ov.PartialShape([-1, 3, size, size])
    assert model.output("logits").partial_shape == ov.PartialShape([-1, 1000])
    assert kinds.count("GroupConvolution") == blocks
    assert kinds.count("BatchNormInference") == kinds.count("Convolution") + kinds.count("GroupConvolution")


def test_the_graph_runs_at_any_batch() -> None:
    model = build_efficientnet_lite(random_state("lite0"), VARIANTS["lite0"])
    compiled = ov.Core().compile_model(model, "CPU")
    images = np.random.default_rng(1).normal(size=(2, 3, 224, 224)).astype(np.float32)
    assert compiled(images)["logits"].shape == (2, 1000)


def test_a_missing_tensor_is_named() -> None:
    state = random_state("lite0")
    del state["_blocks.3._bn1.bias"]
    with pytest.raises(ModelError, match=r"_blocks\.3\._bn1\.bias"):
        build_efficientnet_lite(state, VARIANTS["lite0"])


def test_the_file_of_another_variant_is_refused() -> None:
    with pytest.raises(ModelError):
        build_efficientnet_lite(random_state("lite1"), VARIANTS["lite0"])
