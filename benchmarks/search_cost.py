"""How the cost of the search grows with the layers of a network.

    python -m benchmarks.search_cost [--layers 20 50 100 200] [--peer 20 50] [--out FILE]

Chains of convolutions in which the same number of layers break in INT8, however long they are (`conv_chain`). Counted
are graphs compiled, inferences and evaluated models of the whole run, calibration included. Repair of biases is off, so
that layers have to be given back. The peer, `nncf.quantize_with_accuracy_control`, runs on the short chains only.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.accuracy_aware import judged, read_result
from benchmarks.accuracy_cases import Loaded
from benchmarks.accuracy_page import cost_table
from benchmarks.conv_chain import make_chain, save_chain
from benchmarks.counted import counted
from benchmarks.default_ptq import _commit, _versions
from benchmarks.peer_accuracy_control import Variant, control
from calibench import pipeline
from calibench.datasets.inputs import plan_inputs
from calibench.evaluation.judge import make_judge
from calibench.machine import describe_machine
from calibench.models.read import read_model
from calibench.settings import make_settings

LAYERS, PEER_LAYERS = (20, 50, 100, 200), (20, 50)
LIMIT = 1.0  # points
PATIENCE_S = 900.0
OUT = Path("benchmarks/results/search-cost.json")

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", nargs="*", type=int, default=list(LAYERS))
    parser.add_argument("--peer", nargs="*", type=int, default=list(PEER_LAYERS), help="chains that the peer gets")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    kept = {row["layers"]: row for row in read_result(options.out)["rows"]}
    for layers in options.layers:
        row = measure(layers, with_peer=layers in options.peer)
        kept[layers] = kept.get(layers, {}) | row
        print(json.dumps(row), flush=True)
        _write(options.out, [kept[number] for number in sorted(kept)])
    print("\n".join(cost_table(list(kept.values()))))


def measure(layers: int, *, with_peer: bool) -> Row:
    """One chain."""
    with tempfile.TemporaryDirectory() as folder:
        chain = make_chain(layers)
        loaded = Loaded("chain", save_chain(chain, Path(folder)), chain.calibration, chain.validation, {}, False)
        row: Row = {"layers": layers, "bad": len(chain.bad), "limit": LIMIT, "ours": _ours(loaded, chain.bad)}
        return row | ({"peer": _peer(loaded)} if with_peer else {})


def _ours(loaded: Loaded, bad: Sequence[str]) -> Row:
    accuracy = {"max_drop": LIMIT, "repair": "off", "front": 0}
    settings = make_settings({"method": "accuracy-aware", "accuracy": accuracy})
    start = perf_counter()
    with counted() as counts:
        found = pipeline.calibrate(
            loaded.model, loaded.calibration, settings, validation=loaded.validation, benchmark=False
        )
    seconds = perf_counter() - start
    search = found.report.search
    assert search is not None
    floats = set(next(trial.floats for trial in search.trials if trial.number == search.best))
    in_trials = sum(trial.seconds for trial in search.trials)
    return {
        "seconds": seconds,
        "calibrate_s": found.report.seconds["calibrate"],
        "ranking_s": found.report.seconds["search"] - in_trials,
        "trials_s": in_trials,
        "compiles": counts.compiles,
        "inferences": counts.inferences,
        "trials": len(search.trials),
        "plain_drop": search.trials[0].drop,
        "drop": found.report.drop_points,
        "is_reached": search.is_reached,
        "reverted": len(floats),
        "bad_found": len(floats & set(bad)),
    }


def _peer(loaded: Loaded) -> Row:
    source, settings = read_model(loaded.model).graph, make_settings({})
    judge = make_judge(source, plan_inputs(source, settings, images=False), loaded.validation, settings)
    with counted() as counts:
        found = control(loaded, judge, Variant("imported", "all"), LIMIT, PATIENCE_S)
    drop = None
    if found.model is not None:
        drop = judged(source, loaded, judge, "f32") - judged(found.model, loaded, judge, "f32")
    return {
        "seconds": found.seconds,
        "compiles": counts.compiles,
        "inferences": counts.inferences,
        "trials": len(found.scores) - 1,
        "plain_drop": found.scores[0] - found.scores[1],
        "drop": drop,
        "reverted": found.reverted,
    }


def _write(path: Path, rows: list[Row]) -> None:
    result = {
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks.search_cost", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": _versions(),
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
