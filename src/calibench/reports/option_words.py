"""The options that advice names: those of `calibench calibrate`, or those of the Caffe calibrator."""

from calibench.reports.report import Report


def is_caffe(report: Report) -> bool:
    """Was the network calibrated by the rules of the Caffe calibrator, whose options are others?"""
    return report.settings.caffe is not None


def mixed(report: Report) -> str:
    """`--preset mixed` where it was not taken and could be; ''."""
    return "--preset mixed" if report.settings.preset == "performance" and not is_caffe(report) else ""


def inputs(report: Report) -> str:
    """How samples are prepared."""
    return "transform_param, or --mean and --scale with --dataset" if is_caffe(report) else "--mean, --scale, --color"


def more_samples(report: Report) -> str:
    """Where further samples that decide come from."""
    if is_caffe(report):
        return "more TEST data and a larger -i"
    return "--validation DIR" if report.kind == "calibration" else "a larger --dataset"


def ignore(report: Report) -> str:
    """What leaves layers in float."""
    return "--ignore-name" if is_caffe(report) else "--ignore-name, --ignore-type or --ignore-pattern"


def search(report: Report) -> str:
    """How layers are given back until little is lost."""
    how = "-l 0.005 without -q" if is_caffe(report) else "--method accuracy-aware --max-drop 0.5"
    return f"{how} mends what it can and gives back to float what costs most"


def allow(report: Report, drop: float) -> str:
    """How to accept a drop in the unit of the metric; what is written is not below it."""
    if is_caffe(report):
        return f"-l {_rounded_up(drop / 100, 4)}"
    return f"--max-drop {_rounded_up(drop, 2)}"


def _rounded_up(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text if float(text) >= value else f"{value + 0.5 * 10**-digits:.{digits}f}"
