"""The first and the last layers of a train_val.prototxt: where samples come from, and how answers are scored."""

from benchmarks.zoo.caffe.written import Word, block, layer

PHASES = ("TRAIN", "TEST")


def data_layers(sources: dict[str, str], batches: dict[str, int], *parameters: str) -> str:
    """Layers Data of both phases.

    Args:
        sources: phase -> LMDB, as the prototxt names it.
        batches: phase -> samples of one iteration.
        parameters: transform_param and the like.
    """
    return "".join(
        layer(
            "data",
            "Data",
            (),
            ("data", "label"),
            block("include", phase=Word(phase)),
            *parameters,
            block("data_param", source=sources[phase], batch_size=batches[phase], backend=Word("LMDB")),
        )
        for phase in PHASES
    )


def scoring_layers(scores: str, top_ks: tuple[int, ...] = (1, 5)) -> str:
    """Layers Accuracy with tops accuracy-top1, accuracy-top5 for the TEST phase, and the loss of both phases."""
    accuracies = (
        layer(
            f"accuracy-top{k}",
            "Accuracy",
            (scores, "label"),
            f"accuracy-top{k}",
            block("include", phase=Word("TEST")),
            block("accuracy_param", top_k=k),
        )
        for k in top_ks
    )
    return layer("loss", "SoftmaxWithLoss", (scores, "label"), "loss") + "".join(accuracies)
