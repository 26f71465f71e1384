"""The tokenizer and the model belong together."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op
from tokenizers import Tokenizer, models, pre_tokenizers

from calibench.datasets.inputs import plan_inputs
from calibench.datasets.sets import open_set, open_sets
from calibench.datasets.texts import open_texts
from calibench.datasets.vocabulary import check_vocabulary
from calibench.errors import DatasetError
from calibench.progress import silent
from calibench.settings import DataSettings, Settings


def encoder(rows, dtype=np.int64, is_embedding=True):
    """Embeds `input_ids`; or adds to them."""
    ids = op.parameter([-1, -1], dtype, name="input_ids")
    ids.get_output_tensor(0).set_names({"input_ids"})
    table = op.constant(np.zeros((rows, 4), np.float32))
    node = op.gather(table, op.convert(ids, "i32"), op.constant(0)) if is_embedding else op.add(ids, ids)
    return ov.Model([op.result(node)], [ids], "encoder")


def opened(folder, model):
    own = Tokenizer(models.WordLevel({"a": 0, "b": 1, "c": 9}, unk_token="a"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.save(str(folder / "tokenizer.json"))
    (folder / "a.csv").write_text("text\na b\nb c\n")
    return open_texts(folder / "a.csv", plan_inputs(model, Settings(), images=False), DataSettings(), ())


def test_numbers_within_the_table_are_right(tmp_path):
    model = encoder(10)
    check_vocabulary(opened(tmp_path, model), model)


def test_a_number_beyond_the_table_is_refused_with_both_numbers(tmp_path):
    model = encoder(9)
    with pytest.raises(DatasetError) as error:
        check_vocabulary(opened(tmp_path, model), model)
    assert str(error.value) == (
        f"{tmp_path / 'tokenizer.json'}: a text has the token 9, but input input_ids of the model knows 9 tokens. "
        "Give the tokenizer of this model."
    )


def test_a_model_without_a_table_is_not_judged(tmp_path):
    model = encoder(1, is_embedding=False)
    check_vocabulary(opened(tmp_path, model), model)


def test_it_is_looked_at_when_a_set_is_opened(tmp_path):
    opened(tmp_path, encoder(10))
    with pytest.raises(DatasetError, match="Give the tokenizer of this model"):
        open_set(encoder(9), tmp_path / "a.csv", Settings(), 1, silent)
    with (
        pytest.raises(DatasetError, match="Give the tokenizer of this model"),
        open_sets(encoder(9), tmp_path / "a.csv", None, Settings(), 1, silent),
    ):
        pass
