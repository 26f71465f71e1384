"""Makes the folder `benchmarks`, which is not installed, importable for its tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
