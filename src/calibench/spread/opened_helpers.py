"""What others take off a calibration: the statistics of its subset, and the evaluation of its models."""

from collections.abc import Iterator
from contextlib import contextmanager

from calibench.evaluation.both_models import deployed_precision
from calibench.search.keep_accuracy import Away
from calibench.settings import Settings
from calibench.spread.spread_statistics import SpreadStatistics
from calibench.spread.spread_validation import SpreadValidation
from calibench.spread.team import open_team
from calibench.statistics.collect import Collector
from calibench.things.target_spec import TargetSpec


@contextmanager
def open_helpers(where: TargetSpec | int, settings: Settings) -> Iterator[tuple[Collector | None, Away | None]]:
    """Workers for the time of the block; neither where there is at most one of this machine.

    Raises:
        SettingsError, TargetError: Dask is not installed, or the cluster cannot be reached.
    """
    if isinstance(where, int) and where < 2:
        yield None, None
        return
    with open_team(where) as team:
        yield (
            SpreadStatistics(team, settings.device),
            SpreadValidation(team, settings.device, deployed_precision(settings)),
        )
