"""What is done on a target beyond a line of shell: the texts of these files are sent over standard input to a Python.

They are of the standard library, in the syntax of Python 3.8, and import nothing but each other. They are installed
nowhere and nothing of them stays: they answer requests line by line, each for one thing below the home folder, and end
when nobody can ask any more. Everything there is private to the user:

    environments/<key>/    Calibench and what it needs; there whole or not at all
    blobs/ab/<sha256>      contents of files, read-only; `<sha256>.<sender>.partial` while one arrives
    packs/<name>           small contents on their way, many in one file
    lists/<sha256>         lists of files, so that they travel once
    wheels/<name>/         ours, and those that were given to install from
    jobs/<id>/             folders of jobs; what lies in their in/ are hard links to blobs
"""

import json
import zlib
from pathlib import Path

PARTS = ("words", "python", "facts", "environments", "contents", "jobs", "cleaned", "answers")
"""Files that are sent, each after those that it imports."""
RUN_PROGRAM = "import sys, zlib; i = sys.stdin.buffer; exec(zlib.decompress(i.read(int(i.readline()))))"
"""What Python is started with there; it waits for `program()`, and for requests after that."""
LOADER = """\
import json, sys, types
for name, text in json.loads({parts!r}):
    sys.modules[name] = module = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
module.converse()
"""
"""Makes modules of the texts, by their names here; no folder of them is looked for."""


def program() -> bytes:
    """All that is sent, packed, in front of it its length."""
    names = [f"{part}_there" for part in PARTS]
    folder = Path(__file__).parent
    parts = [(f"{__name__}.{name}", (folder / f"{name}.py").read_text(encoding="utf-8")) for name in names]
    packed = zlib.compress(LOADER.format(parts=json.dumps(parts)).encode(), 9)
    return b"%d\n%b" % (len(packed), packed)
