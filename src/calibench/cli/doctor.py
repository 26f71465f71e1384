"""`calibench doctor`: what this machine can do for INT8."""

from typing import TYPE_CHECKING, Any

import typer

from calibench.cli import options
from calibench.cli.answer import answers, print_json, quiet_stdout

if TYPE_CHECKING:
    from calibench.machine import Machine


@answers
def doctor(
    device: options.Device = None,
    threads: options.Threads = None,
    json_: options.Json = False,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Show VNNI, AMX, bf16, cores, memory and disk, and what they mean for INT8."""
    from calibench.machine import check_device, default_precision, describe_machine, has_vnni

    device = device or "CPU"
    with quiet_stdout(json_):
        check_device(device)
        machine, precision = describe_machine(), default_precision(device)
    if json_:
        answer: dict[str, Any] = {**machine.model_dump(mode="json"), "default_precision": precision}
        print_json({**answer, "has_vnni": has_vnni(), "threads": threads or machine.physical_cores})
        return
    for label, text in findings(machine, device, precision, has_vnni(), threads or machine.physical_cores):
        typer.echo(f"{label:<12} {text}")


def findings(machine: "Machine", device: str, precision: str, vnni: bool, threads: int) -> tuple[tuple[str, str], ...]:
    """What a person should know, label and sentence."""
    amx = "amx_int8" in machine.flags
    return (
        ("CPU", f"{machine.cpu}: {', '.join(machine.flags) or 'flags unknown'}"),
        (
            "VNNI",
            "yes, INT8 runs at full speed" if vnni else "no: INT8 gains less, and weights get 7 to 8 bits",
        ),
        ("AMX", "yes, INT8 and bf16 run in tiles" if amx else "no"),
        ("FP32 models", f"{device} runs them in {precision} by default{_meaning(precision)}"),
        ("cores", f"{machine.physical_cores} physical for this process, {machine.logical_cores} logical in all"),
        ("threads", str(threads)),
        ("memory", f"{machine.memory_free_mb / 1024:.1f} of {machine.memory_mb / 1024:.1f} GB free"),
        ("disk", f"{machine.disk_free_mb / 1024:.1f} GB free in this folder"),
        ("system", f"{machine.system}, Python {machine.python}"),
        ("OpenVINO", machine.openvino),
        *((f"{name}", ", ".join(has)) for name, has in machine.devices.items()),
    )


def _meaning(precision: str) -> str:
    return "" if precision == "f32" else ": speed-ups are against that, accuracy against exact f32"
