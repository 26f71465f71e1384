"""On how many samples FP32 and INT8 differ, in one sentence for the terminal, the report's page and the Workbench."""

SAMPLES = ("sample", "samples")
ANSWERS = ("answer", "answers")


def differing_words(differing: int, evaluated: int | None, agreement: float | None) -> str:
    """How many samples have another score, and how many another answer: a wrong one may take the place of another.

    Args:
        differing: samples whose own score is another one in INT8.
        evaluated: samples in all; None where that is not known.
        agreement: percent of the samples with the same answer; None where an answer is no single choice.
    """
    samples = f"{differing:,} of {_count(evaluated, SAMPLES)}" if evaluated else _count(differing, SAMPLES)
    said = f"The score of {samples} differs between FP32 and INT8"
    if evaluated and not differing:
        said = f"FP32 and INT8 have the same score on all of {_count(evaluated, SAMPLES)}"
    changed = changed_answers(evaluated, agreement)
    return said if changed is None or not (changed or differing) else f"{said}; {_count(changed, ANSWERS)} changed"


def changed_answers(evaluated: int | None, agreement: float | None) -> int | None:
    """How many samples have another answer in INT8; None where that is not known."""
    return None if not evaluated or agreement is None else round(evaluated * (100.0 - agreement) / 100.0)


def _count(number: int, words: tuple[str, str]) -> str:
    return f"{number:,} {words[number != 1]}"
