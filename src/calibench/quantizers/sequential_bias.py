"""Repair of an INT8 network: the mean of every layer's output brought back to FP32's, layer by layer, in order.

What rounding does to a mean, `insert` corrects from statistics of the FP32 network. Noise that passes through an
activation moves the mean of every following layer a little; that can be seen in the INT8 network only, and only where
everything in front is corrected already. So the activations of a few samples are carried through the network: each
stage (see `segments`) is compiled and run alone, its layers are corrected, and the next one starts from there.

Source: Nagel et al. 2019 (arXiv:1906.04721), section 4.2 (empirical bias correction).
"""

from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.datasets.dataset import Dataset, Sample
from calibench.evaluation.layer_errors import after_bias
from calibench.inference.runner import Array, Outputs, compile_for_samples, infer_all
from calibench.models.graph import (
    FloatArray,
    TensorKey,
    WeightedLayer,
    dimension,
    key,
    operations,
    rank,
    tensor,
)
from calibench.models.ports import port_name
from calibench.progress import Progress, silent
from calibench.quantizers.fit import Quantization
from calibench.quantizers.insert import Shifts, WeightOptions, insert
from calibench.quantizers.run import Run
from calibench.quantizers.segments import Stage, cut, extract, make_input

SAMPLES = 24
"""Samples whose activations are carried along."""
MOST_BYTES = 320 * 2**20
"""Activations that are held at a time; where they are larger, fewer samples are taken."""
UNKNOWN_BYTES = 8 * 2**20
"""Taken for a tensor whose shape is not known before the run."""
MOST_STREAMS = 4
"""Samples that run side by side: the parts are small, and every stream takes its time to set up."""


def correct_biases(
    graph: ov.Model,
    quantization: Quantization,
    options: WeightOptions,
    samples: Dataset,
    run: Run,
    progress: Progress = silent,
) -> Shifts:
    """What has to be added to the bias of every quantized layer, so that its mean output comes close to FP32's.

    Args:
        graph: normalised FP32 graph; not changed.
        samples: the first SAMPLES are taken, fewer where activations are large; best apart from those of statistics.

    Returns:
        float32 [output channels] by name of a layer, for `insert`. A layer is left out where its output has no axis
        of channels of known length, where its weights stand on the left, or where a mean is not finite.

    Raises:
        DatasetError: a sample cannot be read, or does not fit.
    """
    working = _without_states(run.plan.attach(run.copy(insert(graph, quantization, options))))
    index = operations(working)
    layers = _correctable(index, quantization.placement.layers)
    stages = cut(working.get_ordered_ops(), {name: key(after_bias(index[name])) for name in layers})
    taken = [samples[i] for i in range(min(SAMPLES, len(samples)))]
    if not taken or not stages:
        return {}
    taken = taken[: _affordable(working, stages, taken[0])]
    wanted = _means(graph, layers, taken, run)
    return _walk(working, stages, wanted, taken, run, progress)


def _walk(
    working: ov.Model,
    stages: Sequence[Stage],
    wanted: Mapping[str, FloatArray],
    samples: Sequence[Sample],
    run: Run,
    progress: Progress,
) -> dict[str, FloatArray]:
    """Run stage by stage; `working` is cut up on the way."""
    index = operations(working)
    axes = {layer: _channel_axis(index[layer]) for layer in wanted}
    names = [port_name(port) for port in working.inputs]
    held = {name: [np.asarray(sample[name]) for sample in samples] for name in names if name in samples[0]}
    shifts: dict[str, FloatArray] = {}
    compiled = _compile_ahead([_take_out(index, stage) for stage in stages], run)
    for number, stage in enumerate(stages):
        progress("fit", number, len(stages))
        try:
            _run_stage(next(compiled), stage, held, len(samples))
        except RuntimeError:  # a part that the runtime refuses alone: what was corrected before it stands
            break
        for layer, name in stage.chosen.items():
            shift = _correct(held[_held(name)], wanted[layer], axes[layer])
            if shift is not None:
                shifts[layer] = shift
        for name in stage.forgotten:
            del held[_held(name)]
    compiled.close()
    progress("fit", len(stages), len(stages))
    return shifts


def _take_out(index: dict[str, Any], stage: Stage) -> ov.Model:
    """The model of a stage; what it hands out becomes an input of the rest."""
    outputs = [tensor(index, name) for name in stage.outputs]
    model = extract(outputs)
    for output, name in zip(outputs, stage.outputs, strict=True):
        make_input(output, _held(name))
    return model


def _compile_ahead(models: Sequence[ov.Model], run: Run) -> Generator[ov.CompiledModel, None, None]:
    """The models one by one; the next few are compiled meanwhile, for that takes as long as running them."""
    streams = min(run.threads, MOST_STREAMS)
    waiting: deque[Future[ov.CompiledModel]] = deque()
    with ThreadPoolExecutor(streams) as pool:
        for model in models:
            waiting.append(pool.submit(compile_for_samples, model, run.device, streams))
            if len(waiting) > streams:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _run_stage(compiled: ov.CompiledModel, stage: Stage, held: dict[str, list[Array]], count: int) -> None:
    """Add what the stage hands out to what is held."""
    read = [port_name(port) for port in compiled.inputs]
    found: list[list[Array]] = [[] for _ in stage.outputs]
    for outputs in infer_all(compiled, ({name: held[name][i] for name in read} for i in range(count))):
        for arrays, output in zip(found, outputs, strict=True):
            arrays.append(output)
    held |= {_held(name): arrays for name, arrays in zip(stage.outputs, found, strict=True)}


def _held(name: TensorKey) -> str:
    return f"{name[0]}.{name[1]}/held"


def _correct(outputs: list[Array], wanted: FloatArray, axis: int) -> FloatArray | None:
    """What is added to the bias of a layer; its outputs are corrected in place, unless a mean is not finite.

    Args:
        outputs: the layer's biased output, one array a sample.
        wanted: float32 [samples, channels], FP32's mean of the same.
    """
    others = [tuple(i for i in range(output.ndim) if i != axis) for output in outputs]
    means = np.stack([output.mean(where, dtype=np.float32) for output, where in zip(outputs, others, strict=True)])
    shift = credible(wanted - means)
    if not np.isfinite(shift).all():
        return None
    for output in outputs:
        shaped = shift.reshape([-1 if i == axis else 1 for i in range(output.ndim)])
        np.add(output, shaped.astype(output.dtype), out=output)
    return shift


def credible(missing: FloatArray) -> FloatArray:
    """The mean over the samples, drawn towards 0 as far as the samples contradict one another.

    Deep in a network the mean of a channel over a few samples is uncertain, and correcting by it would put more noise
    into the bias than it takes out. The share that is kept is one for the whole layer: the channels of one layer are
    equally uncertain, and the share of a single channel would itself be a guess.

    Args:
        missing: float32 [samples, channels], what each sample's mean lacks.

    Returns:
        float32 [channels].

    Source: James and Stein 1961, the positive-part estimator with the variance of the mean estimated per channel.
    """
    shift = missing.mean(0, dtype=np.float64)
    count = len(missing)
    power = float((shift**2).sum())
    if count == 1 or power == 0:
        return np.asarray(shift, np.float32)
    uncertainty = float(missing.var(0, ddof=1, dtype=np.float64).sum()) / count
    return np.asarray(shift * max(0.0, 1 - uncertainty / power), np.float32)


def _correctable(index: dict[str, Any], layers: Sequence[WeightedLayer]) -> list[str]:
    """Layers with constant weights whose output has channels along an axis of known length."""
    return [layer.name for layer in layers if layer.weight_port == 1 and _has_channels(index[layer.name])]


def _has_channels(op: Any) -> bool:
    output = op.output(0)
    return bool(rank(output)) and dimension(output, _channel_axis(op)) is not None


def _channel_axis(op: Any) -> int:
    return (rank(op.output(0)) or 1) - 1 if op.get_type_name() == "MatMul" else 1


def _means(graph: ov.Model, layers: Sequence[str], samples: Sequence[Sample], run: Run) -> dict[str, FloatArray]:
    """float32 [samples, channels] by layer: the mean output of FP32, one pass."""
    model = _without_states(run.plan.attach(run.copy(graph)))
    index = operations(model)
    results = []
    for layer in layers:
        output, axis = after_bias(index[layer]), _channel_axis(index[layer])
        others = [i for i in range(rank(output) or 1) if i != axis]
        results.append(ops.result(ops.convert(ops.reduce_mean(output, np.array(others), False), "f32")))
    reduced = ov.Model(results, model.get_parameters(), "means")
    found: list[Outputs] = list(infer_all(compile_for_samples(reduced, run.device, run.threads), iter(samples)))
    return {layer: np.stack([outputs[i] for outputs in found]) for i, layer in enumerate(layers)}


def _without_states(model: ov.Model) -> ov.Model:
    """Every state replaced by the value with which a sample begins; the model is changed."""
    for op in model.get_ops():
        if op.get_type_name() == "ReadValue" and op.get_input_size():
            for reader in list(op.output(0).get_target_inputs()):
                reader.replace_source_output(op.input_value(0))
    return model


def _affordable(working: ov.Model, stages: Sequence[Stage], sample: Sample) -> int:
    """How many samples' activations may be held at once, by the shapes of the first."""
    index = operations(_at_shapes(working, sample))
    held = most = 0
    for stage in stages:
        held += sum(_bytes(tensor(index, name)) for name in stage.outputs)
        most = max(most, held)
        held -= sum(_bytes(tensor(index, name)) for name in stage.forgotten)
    return max(1, MOST_BYTES // max(1, most))


def _at_shapes(working: ov.Model, sample: Sample) -> ov.Model:
    """A clone at the shapes of one sample where it can have them: then the sizes of most tensors are known."""
    clone = working.clone()
    try:
        clone.reshape({port: sample[port_name(port)].shape for port in clone.inputs if port_name(port) in sample})
    except RuntimeError:
        return working
    return clone


def _bytes(output: Any) -> int:
    shape = output.get_partial_shape()
    return int(np.prod(list(shape.to_shape()), dtype=np.int64)) * 4 if shape.is_static else UNKNOWN_BYTES
