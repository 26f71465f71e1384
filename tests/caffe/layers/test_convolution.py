import numpy as np
import pytest
from one_layer import built, layer_of, run_layer

from calibench.caffe.layers.convolution import LAYERS, window
from calibench.errors import ModelError

RANDOM = np.random.default_rng(4)


def drawn(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 1, shape).astype(np.float32)


def run(text: str, blobs: list[np.ndarray], *inputs: np.ndarray) -> list[np.ndarray]:
    layer = layer_of(text, blobs)
    return run_layer(LAYERS[layer.type], layer, inputs)


def convolved(image: np.ndarray, weights: np.ndarray, group: int = 1) -> np.ndarray:
    """Without stride and padding, by the definition."""
    outputs, inner, height, width = weights.shape
    rows, columns = image.shape[2] - height + 1, image.shape[3] - width + 1
    found = np.zeros((len(image), outputs, rows, columns))
    for channel in range(outputs):
        first = channel // (outputs // group) * inner
        for y in range(rows):
            for x in range(columns):
                patch = image[:, first : first + inner, y : y + height, x : x + width]
                found[:, channel, y, x] = (patch * weights[channel]).sum((1, 2, 3))
    return found


@pytest.mark.parametrize("group", [1, 2, 4])
def test_a_convolution_by_its_definition(group: int) -> None:
    image, weights, bias = drawn(2, 4, 5, 6), drawn(4, 4 // group, 2, 3), drawn(4)
    text = f"num_output: 4 kernel_h: 2 kernel_w: 3 group: {group}"
    (found,) = run(f'type: "Convolution" convolution_param {{ {text} }}', [weights, bias], image)
    np.testing.assert_allclose(found, convolved(image, weights, group) + bias[None, :, None, None], atol=1e-5)


@pytest.mark.parametrize("kind", ["ConvolutionDepthwise", "DepthwiseConvolution"])
def test_a_depthwise_convolution_has_a_group_for_each_channel(kind: str) -> None:
    image, weights = drawn(1, 4, 5, 5), drawn(4, 1, 3, 3)
    text = f'type: "{kind}" convolution_param {{ num_output: 4 kernel_size: 3 bias_term: false }}'
    (found,) = run(text, [weights], image)
    np.testing.assert_allclose(found, convolved(image, weights, 4), atol=1e-5)


SPELLINGS = {
    "kernel_size: 3 stride: 2 pad: 1 dilation: 2": ((3, 3), (2, 2), (1, 1), (2, 2)),
    "kernel_size: 3 kernel_size: 5 stride: 1 stride: 2 pad: 0 pad: 1": ((3, 5), (1, 2), (0, 1), (1, 1)),
    "kernel_h: 1 kernel_w: 7 pad_h: 0 pad_w: 3 stride_h: 2 stride_w: 1": ((1, 7), (2, 1), (0, 3), (1, 1)),
    "kernel_size: 3 pad_w: 1": ((3, 3), (1, 1), (0, 1), (1, 1)),
    "kernel_size: 3": ((3, 3), (1, 1), (0, 0), (1, 1)),
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_kernel_stride_and_pad_in_all_spellings(text: str) -> None:
    rule = layer_of(f"convolution_param {{ {text} }}").params.convolution_param
    found = window(rule, 2)
    assert (found.kernel, found.stride, found.pad, found.dilation) == SPELLINGS[text]


def test_a_list_of_kernels_has_to_fit_the_axes() -> None:
    rule = layer_of("convolution_param { kernel_size: 1 kernel_size: 2 kernel_size: 3 }").params.convolution_param
    with pytest.raises(ModelError, match="kernel_size holds 3 numbers; it needs one, or one for each of the 2 axes"):
        window(rule, 2)


def test_a_convolution_over_three_axes() -> None:
    volume, weights = drawn(1, 2, 3, 4, 5), drawn(3, 2, 1, 1, 1)
    (found,) = run(
        'type: "Convolution" convolution_param { num_output: 3 kernel_size: 1 bias_term: false }', [weights], volume
    )
    np.testing.assert_allclose(found, np.einsum("oi,nidhw->nodhw", weights[:, :, 0, 0, 0], volume), atol=1e-5)


def test_several_bottoms_share_the_weights() -> None:
    one, other, weights = drawn(1, 2, 3, 3), drawn(1, 2, 3, 3), drawn(3, 2, 2, 2)
    text = 'type: "Convolution" top: "a" top: "b" convolution_param { num_output: 3 kernel_size: 2 bias_term: false }'
    first, second = run(text, [weights], one, other)
    np.testing.assert_allclose(first, convolved(one, weights), atol=1e-5)
    np.testing.assert_allclose(second, convolved(other, weights), atol=1e-5)


def test_intels_convolution_can_end_in_a_relu() -> None:
    image, weights = drawn(1, 2, 3, 3), drawn(3, 2, 2, 2)
    text = "num_output: 3 kernel_size: 2 bias_term: false relu: true negative_slope: 0.5"
    (found,) = run(f'type: "Convolution" convolution_param {{ {text} }}', [weights], image)
    plain = convolved(image, weights)
    np.testing.assert_allclose(found, np.where(plain > 0, plain, plain / 2), atol=1e-5)


@pytest.mark.parametrize("group", [1, 2])
def test_a_deconvolution_spreads_each_value_by_its_weights(group: int) -> None:
    image, weights = drawn(1, 4, 3, 2), drawn(4, 6 // group, 3, 3)
    text = f"num_output: 6 kernel_size: 3 stride: 2 pad: 1 bias_term: false group: {group}"
    (found,) = run(f'type: "Deconvolution" convolution_param {{ {text} }}', [weights], image)
    whole = np.zeros((1, 6, 7, 5))
    for channel in range(4):
        first = channel // (4 // group) * (6 // group)
        for y in range(3):
            for x in range(2):
                spread = image[0, channel, y, x] * weights[channel]
                whole[0, first : first + 6 // group, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3] += spread
    np.testing.assert_allclose(found, whole[:, :, 1:-1, 1:-1], atol=1e-5)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_an_inner_product_flattens_from_its_axis_on(axis: int) -> None:
    image, bias = drawn(2, 3, 4), drawn(5)
    length = 4 if axis != 1 else 12
    weights = drawn(5, length)
    text = f'type: "InnerProduct" inner_product_param {{ num_output: 5 axis: {axis} }}'
    (found,) = run(text, [weights, bias], image)
    flat = image.reshape(2, 12) if axis == 1 else image
    np.testing.assert_allclose(found, flat @ weights.T + bias, atol=1e-5)


def test_a_transposed_inner_product_holds_inputs_by_outputs() -> None:
    image, weights = drawn(2, 3, 1, 2), drawn(6, 5)
    text = 'type: "InnerProduct" inner_product_param { num_output: 5 transpose: true bias_term: false }'
    (found,) = run(text, [weights], image)
    np.testing.assert_allclose(found, image.reshape(2, 6) @ weights, atol=1e-5)


def test_the_legacy_shapes_of_blobs_are_taken() -> None:
    image, weights, bias = drawn(2, 6), drawn(1, 1, 5, 6), drawn(1, 1, 1, 5)
    (found,) = run('type: "InnerProduct" inner_product_param { num_output: 5 }', [weights, bias], image)
    np.testing.assert_allclose(found, image @ weights[0, 0].T + bias.ravel(), atol=1e-5)


def test_embed_gives_the_row_of_each_number() -> None:
    weights, bias = drawn(4, 3), drawn(3)
    text = 'type: "Embed" embed_param { num_output: 3 input_dim: 4 }'
    (found,) = run(text, [weights, bias], np.array([[2, 0], [3, 2]], np.float32))
    np.testing.assert_allclose(found, weights[[[2, 0], [3, 2]]] + bias, atol=1e-6)


def test_uneven_groups_are_refused() -> None:
    text = 'type: "Convolution" convolution_param { num_output: 4 kernel_size: 1 group: 3 }'
    with pytest.raises(ModelError, match="group 3 divides the 4 input channels or the 4 outputs unevenly"):
        run(text, [drawn(4, 1, 1, 1), drawn(4)], drawn(1, 4, 2, 2))


def test_weights_are_not_copied() -> None:
    weights = drawn(3, 2, 2, 2)
    layer = layer_of(
        'type: "Convolution" convolution_param { num_output: 3 kernel_size: 2 bias_term: false }', [weights]
    )
    graph, _ = built(LAYERS["Convolution"], layer, [(1, 2, 3, 3)])
    (constant,) = (op for op in graph.get_ops() if op.get_type_name() == "Constant" and op.get_output_size() == 1)
    assert np.shares_memory(constant.data, weights)
