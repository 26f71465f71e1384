"""What an evaluation costs when workers share it: fitted on one and two of them, told for more.

time(n) = fixed + rounds(n) * chunk * sample + n * model / line, where rounds(n) = chunks / n rounded up, a chunk holds
`chunk_size` samples, and the one line out of the searching process carries the model to every worker, one after the
other, and the answers back. `fixed` is what no number of workers makes shorter: building the model, the verdict.
"""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Work:
    """One evaluation.

    Attributes:
        samples, chunk: how many, and how many of them are handed out together.
        model_bytes: sent once to each worker.
        answer_bytes: of one sample: evidence, and outputs where they come along.
    """

    samples: int
    chunk: int
    model_bytes: float
    answer_bytes: float

    def rounds(self, workers: int) -> int:
        """Chunks that the busiest worker has."""
        return ceil(ceil(self.samples / self.chunk) / workers)


@dataclass(frozen=True)
class Cost:
    """Seconds: `fixed_s` an evaluation, `sample_s` a sample on one worker; `line`: bytes a second."""

    fixed_s: float
    sample_s: float
    line: float

    def seconds(self, work: Work, workers: int) -> float:
        """Of one evaluation."""
        busiest = min(work.rounds(workers) * work.chunk, work.samples)
        answers = work.samples * work.answer_bytes / self.line
        sent = workers * work.model_bytes / self.line
        return self.fixed_s + max(busiest * self.sample_s, answers) + sent


def fit(work: Work, one_s: float, two_s: float, line: float) -> Cost:
    """The cost that explains what one worker and two took; answers are taken to hide behind the computing.

    Args:
        one_s, two_s: seconds of an evaluation.
        line: bytes a second between processes.
    """
    sent = work.model_bytes / line
    busiest = [min(work.rounds(workers) * work.chunk, work.samples) for workers in (1, 2)]
    if busiest[0] == busiest[1]:
        raise ValueError("one chunk tells nothing about two workers")
    sample_s = (one_s - two_s + sent) / (busiest[0] - busiest[1])
    return Cost(one_s - busiest[0] * sample_s - sent, sample_s, line)
