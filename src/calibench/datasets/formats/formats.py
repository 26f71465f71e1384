"""All dataset formats, the most particular first: the first whose rules hold is taken."""

from calibench.datasets.folder import CLASS_FOLDERS, PLAIN_FOLDER
from calibench.datasets.formats.format import Format

FORMATS: tuple[Format, ...] = (
    CLASS_FOLDERS,
    PLAIN_FOLDER,
)
