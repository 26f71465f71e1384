"""How samples enter a model."""

import numpy as np
import openvino as ov
import pytest

from calibench.datasets.inputs import ImageInput, TensorInput, plan_inputs
from calibench.errors import DatasetError, ModelError, SettingsError
from calibench.models.ports import port_name
from calibench.settings import InputSettings, Settings


def settings(**values):
    return Settings(inputs={"": InputSettings(**values)})


def run(model, *arrays):
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return next(iter(compiled(list(arrays)).values()))


PIXELS = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(1, 2, 4, 3) * 10


@pytest.mark.parametrize(
    ("shape", "layout"),
    [([1, 3, 8, 6], "NCHW"), ([-1, 8, 6, 3], "NHWC"), ([-1, 1, 8, 6], "NCHW"), ([1, 8, 6, 1], "NHWC")],
)
def test_a_four_dimensional_input_with_1_or_3_channels_is_an_image(net, shape, layout):
    (found,) = plan_inputs(net(x=shape), Settings()).inputs
    assert isinstance(found, ImageInput)
    assert (found.layout, found.height, found.width) == (layout, 8, 6)
    assert found.shape == (1, 8, 6, shape[layout.index("C")])


@pytest.mark.parametrize("given", [[1, 128], [1, 7, 8, 6], [1, 3, 8], ([1, 3, 8, 8], np.int64), []])
def test_everything_else_is_a_tensor(net, given):
    plan = plan_inputs(net(x=given), Settings())
    (found,) = plan.inputs
    assert isinstance(found, TensorInput)
    assert plan.image_input is None


def test_the_layout_of_the_model_goes_before_the_guess(net):
    plan = plan_inputs(net(layout="NHWC", x=[1, 3, 3, 3]), Settings())
    assert plan.images[0].layout == "NHWC"


def test_the_layout_setting_goes_before_the_model(net):
    plan = plan_inputs(net(layout="NHWC", x=[1, 3, 3, 3]), settings(layout="nchw"))
    assert plan.images[0].layout == "NCHW"


def test_inputs_are_told_apart_by_name(net):
    model = net(photo=[1, 3, 8, 8], ids=([1, -1], np.int64))
    plan = plan_inputs(model, Settings(inputs={"photo": InputSettings(color="bgr")}))
    assert plan.image_input == "photo"
    assert plan.images[0].settings.color == "bgr"
    assert plan.inputs[1] == TensorInput("ids", (1, -1), "int64")


def test_arrays_are_planned_as_tensors_even_where_an_image_would_fit(net):
    plan = plan_inputs(net(x=[-1, 3, -1, -1]), Settings(), images=False)
    assert plan.inputs == (TensorInput("x", (-1, 3, -1, -1), "float32"),)


def test_the_attached_model_prepares_values_in_the_graph(net):
    model = net(x=[-1, 3, 2, 4])
    plan = plan_inputs(model, settings(color="bgr", mean=(1.0, 2.0, 3.0), scale=(2.0, 4.0, 8.0)))
    attached = plan.attach(model)
    expected = np.maximum((PIXELS[..., ::-1].astype(np.float32) - [1, 2, 3]) / [2, 4, 8], 0).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(run(attached, PIXELS), expected, rtol=1e-6)
    assert attached.inputs[0].element_type == ov.Type.u8
    assert str(attached.inputs[0].partial_shape) == "[?,2,4,3]"
    assert run(attached, np.repeat(PIXELS, 3, axis=0)).shape == (3, 3, 2, 4)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32])
@pytest.mark.parametrize("shape", [[1, 3, 2, 4], [-1, 3, -1, -1], [1, -1, -1, 3], [-1, -1, -1, -1]])
def test_every_type_and_shape_takes_the_same_pixels(net, dtype, shape):
    model = net(x=(shape, dtype))
    layout = "NHWC" if shape[-1] == 3 else "NCHW"
    attached = plan_inputs(model, settings(size=(2, 4), layout=layout)).attach(model)
    assert str(attached.inputs[0].partial_shape).endswith("2,4,3]")
    expected = PIXELS if layout == "NHWC" else PIXELS.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(run(attached, PIXELS), expected.astype(np.float32))


def test_an_input_with_a_free_number_of_axes_needs_a_layout(net):
    model = net(x=[1])
    model.inputs[0].node.set_partial_shape(ov.PartialShape.dynamic())
    model.validate_nodes_and_infer_types()
    attached = plan_inputs(model, settings(size=(2, 4), layout="NCHW")).attach(model)
    assert run(attached, PIXELS).shape == (1, 3, 2, 4)
    assert plan_inputs(model, Settings(), images=False).inputs == (TensorInput("x", None, "float32"),)


def test_a_model_of_integer_pixels_takes_mean_and_scale(net):
    model = net(x=([1, 2, 4, 3], np.uint8))
    attached = plan_inputs(model, settings(mean=(10.0,), scale=(2.0,))).attach(model)
    assert run(attached, np.full((1, 2, 4, 3), 110, np.uint8)).max() == 50


def test_one_mean_stands_for_all_channels(net):
    model = net(x=[1, 3, 2, 4])
    attached = plan_inputs(model, settings(mean=(5.0,))).attach(model)
    assert run(attached, np.full((1, 2, 4, 3), 9, np.uint8)).tolist() == np.full((1, 3, 2, 4), 4.0).tolist()


def test_attaching_keeps_the_model_and_all_names(net):
    model = net(x=[-1, 3, -1, -1], ids=([1, 4], np.int32))
    before = [op.get_friendly_name() for op in model.get_ordered_ops()]
    attached = plan_inputs(model, settings(size=(2, 4), mean=(1.0,))).attach(model)
    assert [op.get_friendly_name() for op in model.get_ordered_ops()] == before
    assert str(model.inputs[0].partial_shape) == "[?,3,?,?]"
    names = [op.get_friendly_name() for op in attached.get_ordered_ops()]
    assert set(before) < set(names)
    assert all(name.startswith("preprocessing/") for name in set(names) - set(before))
    assert [port_name(port) for port in attached.inputs] == ["x", "ids"]
    assert attached.inputs[1].element_type == ov.Type.i32


def test_attaching_twice_gives_the_same_names(net):
    model = net(x=[-1, 3, 2, 4])
    plan = plan_inputs(model, settings(mean=(1.0,), color="bgr"))
    first, second = ([op.get_friendly_name() for op in plan.attach(model).get_ordered_ops()] for _ in range(2))
    assert first == second


def test_the_fingerprint_knows_decoding_only(plan):
    assert plan(mean=(1.0,), color="bgr").fingerprint == plan().fingerprint
    assert plan(resize="crop").fingerprint != plan().fingerprint
    assert plan(color="gray").fingerprint != plan().fingerprint


@pytest.mark.parametrize(
    ("shape", "values", "sentence"),
    [
        ([-1, 3, -1, -1], {}, "Input x has no fixed height and width (? x ?). Say them: --size H W."),
        ([-1, 3, 48, -1], {}, "Input x has no fixed height and width (48 x ?). Say them: --size H W."),
        ([-1, 3, 48, -1], {"size": (32, 64)}, "--size 32 x 64: input x is 48 x ?, height first."),
        ([1, 3, 8, 8], {"size": (9, 8)}, "--size 9 x 8: input x is 8 x 8, height first. Drop --size"),
        ([1, 3, 8, 8], {"mean": (1.0, 2.0)}, "mean: 2 values for 3 channels of x. Give 1 or 3."),
        ([1, 1, 8, 8], {"scale": (1.0, 2.0, 3.0)}, "scale: 3 values for 1 channels of x."),
        ([1, 3, 8, 8], {"layout": "CHW"}, "--layout CHW: input x is [1, 3, 8, 8]; a picture has four axes"),
        ([1, 128], {"layout": "NCHW"}, "--layout NCHW: input x is [1, 128]; a picture has four axes"),
        ([1, 4, 8, 8], {"layout": "NCHW"}, "Input x has 4 channels in layout NCHW; a picture has 1 or 3."),
        ([1, 128], {"size": (8, 8)}, "--size is for pictures, but no input of the model looks like one (x)."),
    ],
)
def test_settings_that_do_not_fit_are_refused(net, shape, values, sentence):
    with pytest.raises(SettingsError) as error:
        plan_inputs(net(x=shape), settings(**values))
    assert sentence in str(error.value)


def test_an_unknown_input_name_answers_with_the_known_ones(net):
    with pytest.raises(SettingsError, match=r"inputs\.y: the model has no such input\. Known: x\."):
        plan_inputs(net(x=[1, 3, 8, 8]), Settings(inputs={"y": InputSettings()}))


def test_a_fixed_batch_is_refused(net):
    with pytest.raises(ModelError, match="Input x has a fixed batch of 4"):
        plan_inputs(net(x=[4, 3, 8, 8]), Settings())


def test_a_size_at_which_the_graph_breaks_is_refused(net):
    model = net(x=[-1, 3, -1, -1])
    added = ov.opset13.add(model.outputs[0].node.input_value(0), np.zeros((1, 3, 5, 5), np.float32))
    model = ov.Model([added], model.get_parameters(), "five")
    with pytest.raises(SettingsError, match=r"The model cannot run at x 8 x 8 .* Choose another --size H W\."):
        plan_inputs(model, settings(size=(8, 8))).attach(model)


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"ids": [1, -1]}, "The model takes no pictures but ids [1, ?]. Give .npz files"),
        ({"a": [1, 3, 8, 8], "b": [1, 3, 8, 8]}, "The model takes a picture at a and b; a folder gives one."),
        (
            {"a": [1, 3, 8, 8], "im_info": [1, 3]},
            "Pictures can feed a, but the model also takes im_info [1, 3]. "
            "Give .npz files with an array for each: a, im_info.",
        ),
    ],
)
def test_a_model_that_pictures_alone_cannot_feed_is_told(net, inputs, sentence):
    with pytest.raises(DatasetError) as error:
        plan_inputs(net(**inputs), Settings()).only_image()
    assert sentence in str(error.value)
