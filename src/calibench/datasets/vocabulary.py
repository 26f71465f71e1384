"""Does the tokenizer belong to the model? Its numbers must lie within the table in which the model looks them up."""

from typing import Any

import openvino as ov

from calibench.datasets.texts import Texts
from calibench.errors import DatasetError
from calibench.models.ports import port_name

LOOKED_AT = 100  # texts: enough to meet the common words of another vocabulary
PASSED = ("Convert", "Reshape", "Squeeze", "Unsqueeze")
"""Operations that may stand between an input and the table."""


def check_vocabulary(texts: Texts, model: ov.Model) -> None:
    """Compare the numbers in the first texts with the rows of the model's embedding, where there is one.

    Outside of the table OpenVINO gives zeros in silence.

    Raises:
        DatasetError: a number is too large; the tokenizer is that of another model.
    """
    for port in model.inputs:
        name = port_name(port)
        if texts.fillings[[each.name for each in texts.plan.inputs].index(name)] != "ids":
            continue
        rows = _rows(port)
        largest = max(int(texts[number][name].max()) for number in range(min(LOOKED_AT, len(texts))))
        if rows is not None and largest >= rows:
            raise DatasetError(
                f"{texts.tokenizer.path}: a text has the token {largest}, but input {name} of the model knows {rows} "
                "tokens. Give the tokenizer of this model."
            )


def _rows(port: Any) -> int | None:
    """Rows of the table in which the values of a port are looked up; None where it is not found."""
    for target in port.get_target_inputs():
        node = target.get_node()
        if node.get_type_name() == "Gather" and target.get_index() == 1:
            table = node.input(0).get_partial_shape()
            if table.rank.is_static and table.rank.get_length() == 2 and table[0].is_static:
                return int(table[0].get_length())
        if node.get_type_name() in PASSED and target.get_index() == 0:
            found = _rows(node.output(0))
            if found is not None:
                return found
    return None
