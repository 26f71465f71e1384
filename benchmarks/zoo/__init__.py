"""Real FP32 networks with real samples, each fetched or built at run time, to measure calibration on.

`load` gives one of `NETWORKS`; the folders below hold one file for each family, the readers of foreign model formats,
and what the samples are drawn from.
"""

from benchmarks.zoo.network import Network, Outputs, Sample
from benchmarks.zoo.zoo import NETWORKS, load

__all__ = ["NETWORKS", "Network", "Outputs", "Sample", "load"]
