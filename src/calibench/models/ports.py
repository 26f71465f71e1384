"""The names by which people know the inputs and outputs of a model."""

from typing import Any


def port_name(port: Any) -> str:
    """The name of an input or output: that of its operation if it is a tensor name too, else the first of these."""
    own = str(port.node.get_friendly_name())
    return own if own in port.names or not port.names else str(min(port.names))
