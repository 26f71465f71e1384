"""The run lengths of COCO masks: how many pixels are outside, inside, outside, ... down the columns."""

from collections.abc import Sequence


def decode_counts(text: str) -> list[int]:
    """The numbers in COCO's compressed string; raises ValueError when it is damaged.

    Source: rleFrString in maskApi.c of the COCO API: 5 bits a character, lowest first, 0x20 says that more follow,
    0x10 in the last one is the sign; from the fourth number on the difference to the last but one is written.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text.encode("latin-1"):
        bits = character - 48
        if not 0 <= bits < 64 or shift > 30:
            raise ValueError("damaged")
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            value -= (1 << shift) if bits & 0x10 else 0
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    if shift:
        raise ValueError("cut off")
    return counts


def is_whole(counts: Sequence[int] | str, height: int, width: int) -> bool:
    """Whether run lengths, compressed or not, fill a picture exactly. Broken ones crash the libraries that use them."""
    try:
        numbers = decode_counts(counts) if isinstance(counts, str) else list(counts)
        whole = all(type(number) is int and number >= 0 for number in numbers)
        return whole and height > 0 and width > 0 and sum(numbers) == height * width
    except (ValueError, TypeError):  # UnicodeEncodeError is a ValueError
        return False
