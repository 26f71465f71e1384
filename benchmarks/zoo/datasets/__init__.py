"""The samples of the zoo as datasets on disk, each in the format in which a person would have them.

`prepare` gives the model file and two folders of one of `TASK_SETS`: nothing in them is prepared for the network.
"""

from benchmarks.zoo.datasets.task_set import Prepared, TaskSet, prepare
from benchmarks.zoo.datasets.task_sets import TASK_SETS, UNANNOTATED_SETS

__all__ = ["TASK_SETS", "UNANNOTATED_SETS", "Prepared", "TaskSet", "prepare"]
