"""How well lines of text are read: exact lines and the character error rate."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import PERCENT, Metric, Observation, Summary

WITHOUT_SPACES = "without spaces"


@dataclass(frozen=True)
class LineErrors:
    """What is wrong with one line.

    Attributes:
        distance: edits from the line that was read to the annotated one, with spaces.
        length: characters of the annotated line, with spaces.
        bare_distance, bare_length: the same with all spaces taken out of both.
    """

    distance: int
    length: int
    bare_distance: int
    bare_length: int


def exact() -> Metric:
    """Share of lines that are read without an error; details: the same when spaces are ignored."""

    def score(evidence: Sequence[LineErrors]) -> Summary:
        right = sum(line.distance == 0 for line in evidence)
        bare = sum(line.bare_distance == 0 for line in evidence)
        return Summary(
            _percent(right, len(evidence)), details={f"exact {WITHOUT_SPACES}": _percent(bare, len(evidence))}
        )

    return Metric("exact", PERCENT, True, "text", compare_lines, score, lambda line: 100.0 * (line.distance == 0))


def character_errors() -> Metric:
    """Character error rate in percent, lower is better: all edits over all annotated characters of the selection.

    It can be above 100 where more is read than there is. The value of one line is its own edits over its own length;
    of an empty line, over 1. Details: the same when spaces are ignored.
    """

    def score(evidence: Sequence[LineErrors]) -> Summary:
        bare = _percent(sum(line.bare_distance for line in evidence), sum(line.bare_length for line in evidence))
        return Summary(
            _percent(sum(line.distance for line in evidence), sum(line.length for line in evidence)),
            details={f"cer {WITHOUT_SPACES}": bare},
        )

    return Metric(
        "cer", PERCENT, False, "text", compare_lines, score, lambda line: _percent(line.distance, line.length)
    )


def compare_lines(seen: Observation) -> LineErrors:
    """Compare what was read with what is annotated.

    Both as composed characters (Unicode NFC), runs of spaces as one space, none at the ends; capitals count.

    Raises:
        DatasetError: no text is annotated.
    """
    if seen.truth.text is None or not isinstance(seen.prediction, str):
        raise DatasetError("The metrics exact and cer need the text of every line. Give a dataset that has it.")
    own, truth = _words(seen.prediction), _words(seen.truth.text)
    line, bare = (" ".join(own), " ".join(truth)), ("".join(own), "".join(truth))
    return LineErrors(edit_distance(*line), len(line[1]), edit_distance(*bare), len(bare[1]))


def edit_distance(own: str, truth: str) -> int:
    """The fewest insertions, deletions and replacements of one character that turn one text into the other.

    Source: Levenshtein 1966; Wagner and Fischer 1974, The string-to-string correction problem.
    """
    row = list(range(len(truth) + 1))
    for count, character in enumerate(own, 1):
        diagonal, row[0] = row[0], count
        for at, wanted in enumerate(truth, 1):
            cost = min(row[at] + 1, row[at - 1] + 1, diagonal + (character != wanted))
            diagonal, row[at] = row[at], cost
    return row[-1]


def _words(text: str) -> list[str]:
    return unicodedata.normalize("NFC", text).split()


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / max(whole, 1)
