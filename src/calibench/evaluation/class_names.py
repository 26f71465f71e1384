"""Names of classes: those that a model's file holds, those of COCO, and when two names mean the same."""

import ast
from collections.abc import Mapping

# Source: Lin et al. 2014, Microsoft COCO (arXiv:1405.0312); names and numbers as in its files of 2014 and 2017.
COCO: tuple[tuple[int, str], ...] = (
    (1, "person"), (2, "bicycle"), (3, "car"), (4, "motorcycle"), (5, "airplane"), (6, "bus"), (7, "train"),
    (8, "truck"), (9, "boat"), (10, "traffic light"), (11, "fire hydrant"), (13, "stop sign"), (14, "parking meter"),
    (15, "bench"), (16, "bird"), (17, "cat"), (18, "dog"), (19, "horse"), (20, "sheep"), (21, "cow"),
    (22, "elephant"), (23, "bear"), (24, "zebra"), (25, "giraffe"), (27, "backpack"), (28, "umbrella"),
    (31, "handbag"), (32, "tie"), (33, "suitcase"), (34, "frisbee"), (35, "skis"), (36, "snowboard"),
    (37, "sports ball"), (38, "kite"), (39, "baseball bat"), (40, "baseball glove"), (41, "skateboard"),
    (42, "surfboard"), (43, "tennis racket"), (44, "bottle"), (46, "wine glass"), (47, "cup"), (48, "fork"),
    (49, "knife"), (50, "spoon"), (51, "bowl"), (52, "banana"), (53, "apple"), (54, "sandwich"), (55, "orange"),
    (56, "broccoli"), (57, "carrot"), (58, "hot dog"), (59, "pizza"), (60, "donut"), (61, "cake"), (62, "chair"),
    (63, "couch"), (64, "potted plant"), (65, "bed"), (67, "dining table"), (70, "toilet"), (72, "tv"),
    (73, "laptop"), (74, "mouse"), (75, "remote"), (76, "keyboard"), (77, "cell phone"), (78, "microwave"),
    (79, "oven"), (80, "toaster"), (81, "sink"), (82, "refrigerator"), (84, "book"), (85, "clock"), (86, "vase"),
    (87, "scissors"), (88, "teddy bear"), (89, "hair drier"), (90, "toothbrush"),
)  # fmt: skip
"""Number and name of COCO's 80 classes."""

OTHER_NAMES = {
    "aeroplane": "airplane", "diningtable": "dining table", "motorbike": "motorcycle", "pottedplant": "potted plant",
    "sofa": "couch", "tvmonitor": "tv",
}  # fmt: skip
"""VOC's names for classes of COCO."""


def names_in(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The names that exports write into a file: a dictionary, a list, or words joined by underscores; () without."""
    text = metadata.get("framework/names") or metadata.get("names", "")
    try:
        value = ast.literal_eval(text) if text else ()
    except (ValueError, SyntaxError):
        value = ()
    if isinstance(value, dict):
        return tuple(str(value[key]) for key in sorted(value))
    if isinstance(value, (list, tuple)) and value:
        return tuple(map(str, value))
    return tuple(metadata.get("model_info/labels", "").split())


def normal(name: str) -> str:
    """A name without the differences that do not count: case, underscores, hyphens, VOC's names for COCO's."""
    plain = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
    return OTHER_NAMES.get(plain, plain)
