"""Texts by topic, from the Debian package `fortunes`: every second entry for calibration, the others held out."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from zlib import crc32

import numpy as np

from calibench.demo.packages import fetch_deb
from calibench.demo.stamps import PARTS, Part

SEED = 12
TOPICS = (  # large files with clear subjects
    "computers", "definitions", "education", "food", "law", "medicine", "men-women", "politics", "science", "sports",
)  # fmt: skip
PLAIN = re.compile(r"[A-Za-z0-9 ,.'!?:;()-]+")


def entries(cache: Path, topic: str, part: Part) -> list[str]:
    """The part's texts of one topic, in the file's order; spaces and line ends within are single spaces."""
    path = fetch_deb("fortunes", cache / "packages") / "usr/share/games/fortunes" / topic
    texts = [" ".join(text.split()) for text in path.read_text("utf-8", errors="replace").split("\n%\n")]
    return list(dict.fromkeys(text for text in texts if len(text) > 20))[PARTS.index(part) :: len(PARTS)]


def lines(cache: Path, part: Part, shortest: int, longest: int) -> Iterator[str]:
    """Pieces of texts, cut between words, without end; no line is of both parts, even where two texts share words.

    Args:
        cache: where packages are.
        part: which half of the texts.
        shortest, longest: number of characters.
    """
    random = np.random.default_rng([SEED, PARTS.index(part)])
    texts = [text for topic in TOPICS for text in entries(cache, topic, part) if PLAIN.fullmatch(text)]
    for _ in count():
        words = texts[random.integers(len(texts))].split()
        start, wanted = random.integers(len(words)), random.integers(shortest, longest, endpoint=True)
        line = words[start]
        for word in words[start + 1 :]:
            if len(line) + 1 + len(word) > wanted:
                break
            line = f"{line} {word}"
        if shortest <= len(line) <= longest and crc32(line.encode()) % len(PARTS) == PARTS.index(part):
            yield line
