"""Face pairs: do two pictures show the same person?"""

from calibench.evaluation.metrics.cosine import cosine
from calibench.evaluation.metrics.pair_accuracy import pair_accuracy
from calibench.evaluation.tasks.embed import looks_like_vector, make_embed
from calibench.evaluation.tasks.outputs import find_output
from calibench.evaluation.tasks.task import Context, Task, TaskKind


def _fits(context: Context) -> bool:
    return "pairs" in context.annotated and find_output(context, "embedding", looks_like_vector) is not None


def _make(context: Context) -> Task:
    embed, note = make_embed(context)
    return Task("face-pairs", embed, {each.name: each for each in (pair_accuracy(embed), cosine())}, (note,))


FACES = TaskKind("face-pairs", _fits, _make)
