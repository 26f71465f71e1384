"""Whether a dataset can feed a model: judged by what the import found, without opening either."""

from calibench.things.kept import Hindrance, KeptDataset, KeptModel, Port

CHANNELS = ("1", "3", "?")
"""What a picture can have."""
NUMBERS_OF_WORDS = ("i32", "i64")


def fit(model: KeptModel, dataset: KeptDataset) -> Hindrance | None:
    """Why the dataset cannot feed the model; None: it can, as far as shapes and types tell.

    A dataset without annotations fits: INT8 is then held against the answers of FP32.
    """
    return _not_there(model, dataset) or _wrong_kind(model, dataset)


def doubts(model: KeptModel, dataset: KeptDataset) -> tuple[str, ...]:
    """What a person should look at before accuracy is measured, though the dataset can feed the model; sentences."""
    if "label" not in dataset.annotated or len(model.outputs) != 1:
        return ()
    said = []
    axes = _axes(model.outputs[0]) or []
    known = int(axes[1]) if len(axes) == 2 and axes[1].isdigit() else None
    if known is not None and len(dataset.classes) > known:
        said.append(
            f"{dataset.name} has {len(dataset.classes)} classes, and {model.name} tells {known} apart: accuracy cannot "
            "be measured on it. Take a dataset with the classes of the model."
        )
    if dataset.facts.get("label_source") == "alphabet":
        first = ", ".join(dataset.classes[:3])
        said.append(
            f"The classes of {dataset.name} are counted in the order of the alphabet ({first}, ...), for their folders "
            "have no numbers. Where the model counts them in another order, accuracy will look bad: put a number "
            "in front of each folder's name (0_shirt, 1_boot), or beside them a labels.txt with the names in order."
        )
    return tuple(said)


def takes_pictures(model: KeptModel) -> bool:
    """Whether one picture is all that the model takes."""
    return len(model.inputs) == 1 and _is_picture(model.inputs[0], _layout(model, model.inputs[0]))


def takes_words(model: KeptModel) -> bool:
    """Whether the model takes numbers of words: every input an integer with two axes, batch and place."""
    return bool(model.inputs) and all(_is_words(port) for port in model.inputs)


def _not_there(model: KeptModel, dataset: KeptDataset) -> Hindrance | None:
    for what, thing in (("model", model), ("dataset", dataset)):
        if thing.state == "importing":
            sentence = f"{thing.name} is still being imported."
            return Hindrance(code=f"{what}-importing", sentence=sentence, action="See the jobs", link="/jobs")
        if thing.state == "failed":
            reason = f": {thing.failure.message}" if thing.failure else "."
            sentence = f"{thing.name} could not be imported{reason}"
            link = f"/{what}s/{thing.id}"
            return Hindrance(code=f"{what}-failed", sentence=sentence, action=f"Go to the {what}", link=link)
    if dataset.samples == 0:
        return Hindrance(code="dataset-empty", sentence=f"{dataset.name} holds no samples.")
    return None


def _wrong_kind(model: KeptModel, dataset: KeptDataset) -> Hindrance | None:
    if dataset.format == "arrays" or not model.inputs:
        return None  # arrays feed whatever they are named after; their names are compared when they are read
    shown = ", ".join(f"{port.name} {port.shape} {port.type}" for port in model.inputs)
    if dataset.format == "text" and not takes_words(model):
        kind = "pictures" if takes_pictures(model) else shown
        return _does_not_fit(f"{dataset.name} holds texts, and {model.name} takes {kind}.")
    if dataset.has_pictures and takes_words(model):
        return _does_not_fit(f"{dataset.name} holds pictures, and {model.name} takes texts ({shown}).")
    if dataset.has_pictures and not takes_pictures(model):
        return _does_not_fit(
            f"{dataset.name} holds pictures, and {model.name} takes {shown}: a picture alone cannot feed it. Import "
            ".npz files with an array for each input."
        )
    return None


def _does_not_fit(sentence: str) -> Hindrance:
    return Hindrance(
        code="dataset-does-not-fit", sentence=sentence, action="Import a dataset that fits", link="/datasets"
    )


def _is_picture(port: Port, layout: str | None) -> bool:
    axes = _axes(port)
    if axes is None or len(axes) != 4:
        return axes is None and layout is not None
    if layout is not None:
        return axes[layout.upper().index("C")] in CHANNELS
    is_number = port.type.startswith("f") or port.type in ("bf16", "u8")
    return is_number and (axes[1] in CHANNELS or axes[3] in CHANNELS)


def _is_words(port: Port) -> bool:
    axes = _axes(port)
    return port.type in NUMBERS_OF_WORDS and (axes is None or len(axes) == 2)


def _axes(port: Port) -> list[str] | None:
    """The axes of a shape such as [?,3,224,224]; None where even their number is free."""
    inner = port.shape.strip().strip("[]")
    if not inner or "..." in inner:
        return None
    return [axis.strip() for axis in inner.split(",")]


def _layout(model: KeptModel, port: Port) -> str | None:
    """NCHW or the like, where the accuracy settings say one."""
    inputs = model.accuracy_settings.get("inputs") or {}
    layout = (inputs.get(port.name) or inputs.get("") or {}).get("layout")
    return layout if isinstance(layout, str) and sorted(layout.upper()) == sorted("NCHW") else None
