"""`calibench evaluate`: how good a model is on a dataset."""

import typer

from calibench.cli import options, target_options
from calibench.cli.answer import answers, print_lines, quiet_stdout
from calibench.cli.options import overlaid
from calibench.cli.server_options import Server, refuse_options


@answers
def evaluate(
    context: typer.Context,
    model: options.Model,
    dataset: options.Data,
    config: options.Config = None,
    weights: options.Weights = None,
    size: options.Size = None,
    resize: options.Resize = None,
    pad: options.Pad = None,
    color: options.Color = None,
    mean: options.Mean = None,
    scale: options.Scale = None,
    layout: options.Layout = None,
    format: options.Format = None,
    split: options.Split = None,
    labels: options.Labels = None,
    tokenizer: options.Tokenizer = None,
    text_column: options.TextColumn = None,
    label_column: options.LabelColumn = None,
    max_tokens: options.MaxTokens = None,
    task: options.Task = None,
    decoder: options.Decoder = None,
    label_offset: options.LabelOffset = None,
    characters: options.Characters = None,
    no_diagnose: options.NoDiagnose = False,
    inference_precision: options.Precision = None,
    device: options.Device = None,
    batch: options.Batch = None,
    metric: options.Metric = None,
    cache_dir: options.CacheDir = None,
    threads: options.Threads = None,
    server: Server = None,
    target: target_options.OnTarget = None,
    data_dir: target_options.TargetData = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Score a model, FP32 or INT8, on annotated samples.

    What is not set is as the report.json beside an INT8 model says; a note tells it.
    """
    settings = overlaid(context.params)
    if target is not None:
        from calibench.cli.on_target import evaluate_there as evaluate_on_target

        target_options.refuse_options(context.params)
        with quiet_stdout(json_):
            found = evaluate_on_target(model, dataset, settings, target, data_dir)
        print_lines(found, json_)
        return
    if server is not None:
        from calibench.cli.on_server import evaluate_there

        refuse_options(context.params)
        print_lines(evaluate_there(model, dataset, settings, server), json_)
        return
    from calibench import pipeline
    from calibench.cli.bars import shown

    with quiet_stdout(json_), shown() as progress:
        evaluation = pipeline.evaluate(model, dataset, settings, progress)
    print_lines(evaluation, json_)
