"""What an evaluation costs when workers share it: fitted on one and two of them, told for more.

time(n) = fixed + n * model / line + max(samples * sample / n, chunks(n) * hand_out, samples * answer / line)

`fixed` is what no number of workers makes shorter: building and compiling the model, the verdict. The one line out of
the searching process carries the model to every worker, one after the other, and the answers back; the same process
hands out the chunks, each of `chunk_seconds(n)`. What is greatest of computing, handing out and answering hides the
others.
"""

from dataclasses import dataclass
from math import ceil

from calibench.spread.chunk_pace import chunk_seconds


@dataclass(frozen=True)
class Work:
    """One evaluation.

    Attributes:
        samples: how many.
        model_bytes: sent once to each worker.
        answer_bytes: of one sample: evidence, and outputs where they come along.
    """

    samples: int
    model_bytes: float
    answer_bytes: float


@dataclass(frozen=True)
class Cost:
    """Seconds an evaluation, a sample on one worker, a chunk that is handed out; bytes a second of the line."""

    fixed_s: float
    sample_s: float
    hand_out_s: float
    line: float

    def seconds(self, work: Work, workers: int) -> float:
        """Of one evaluation."""
        computed = work.samples * self.sample_s / workers
        chunks = ceil(work.samples * self.sample_s / chunk_seconds(workers))
        answers = work.samples * work.answer_bytes / self.line
        sent = workers * work.model_bytes / self.line
        return self.fixed_s + sent + max(computed, chunks * self.hand_out_s, answers)


def fit(work: Work, one_s: float, two_s: float, hand_out_s: float, line: float) -> Cost:
    """The cost that explains what one worker and two took, where computing hides the rest.

    Args:
        one_s, two_s: seconds of an evaluation.
        hand_out_s: seconds of a chunk with nothing to compute.
        line: bytes a second between processes.
    """
    sent = work.model_bytes / line
    sample_s = 2 * (one_s - two_s + sent) / work.samples
    return Cost(one_s - work.samples * sample_s - sent, sample_s, hand_out_s, line)
