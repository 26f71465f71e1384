import pytest

from calibench.caffe import schema


def test_every_type_of_the_table_exists() -> None:
    for name in schema.MESSAGES:
        for field in schema.fields_of(name).values():
            assert field.kind in schema.SCALARS or field.is_message or field.is_enum, (name, field.name, field.kind)


def test_no_number_of_a_message_is_used_twice() -> None:
    for name in schema.MESSAGES:
        fields = schema.fields_of(name)
        assert len({field.number for field in fields.values()}) == len(fields) == len(schema.MESSAGES[name].split())


def test_every_message_can_be_made_and_knows_its_fields() -> None:
    for name in schema.MESSAGES:
        assert {field.name for field in schema.message(name).DESCRIPTOR.fields} == set(schema.fields_of(name))


@pytest.mark.parametrize(
    ("message", "field", "number"),
    [
        ("NetParameter", "layer", 100),
        ("NetParameter", "layers", 2),
        ("LayerParameter", "blobs", 7),
        ("LayerParameter", "convolution_param", 106),
        ("LayerParameter", "quantization_param", 158),
        ("LayerParameter", "detection_output_param", 204),
        ("QuantizationParameter", "scale_params", 22),
        ("QuantizationParameter", "force_u8_input", 24),
        ("BlobProto", "data", 5),
        ("V1LayerParameter", "blobs", 6),
        ("V0LayerParameter", "blobs", 50),
    ],
)
def test_numbers_are_those_of_the_files(message: str, field: str, number: int) -> None:
    assert schema.fields_of(message)[field].number == number


def test_fields_that_are_not_set_have_caffes_defaults() -> None:
    layer = schema.message("LayerParameter")()
    assert layer.lrn_param.local_size == 5
    assert layer.lrn_param.beta == 0.75
    assert layer.convolution_param.bias_term
    assert layer.quantization_param.bw_layer_out == 32
    assert layer.prior_box_param.flip
    assert schema.choice(layer.pooling_param, "pool") == "MAX"
    assert schema.choice(layer.detection_output_param, "code_type") == "CORNER"
    assert layer.transform_param.resize_param.resize_mode == 1


def test_the_older_layout_has_its_forty_types() -> None:
    assert len(schema.enum_values("V1LayerParameter.LayerType")) == 40


def test_fields_that_the_table_lacks_survive_a_round_trip() -> None:
    layer = schema.message("LayerParameter")()
    unknown = bytes([0x82, 0xFA, 0x01, 0x03]) + b"abc"  # field 4000, three bytes
    layer.ParseFromString(b"\x0a\x01a" + unknown)
    assert layer.name == "a"
    assert layer.SerializeToString() == b"\x0a\x01a" + unknown


def test_a_packed_field_is_read_in_both_forms() -> None:
    blob = schema.message("BlobProto")
    packed = b"\x2a\x08" + b"\x00\x00\x80\x3f" * 2
    single = (b"\x2d" + b"\x00\x00\x80\x3f") * 2
    assert list(blob.FromString(packed).data) == list(blob.FromString(single).data) == [1, 1]
