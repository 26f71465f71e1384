"""The pictures of a listing as samples."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calibench.datasets.dataset import About, Description, Sample
from calibench.datasets.images import decode, decode_array, upright_size
from calibench.datasets.inputs import ImageInput
from calibench.datasets.listing import Listing, Pixels
from calibench.datasets.placing import frame_of
from calibench.datasets.unreadable import check_file
from calibench.errors import DatasetError


@dataclass(frozen=True)
class Pictures:
    """Pictures with their annotations, brought to the size of a model's input when they are taken."""

    listing: Listing
    image: ImageInput
    _identities: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return str(self.listing.folder)

    @property
    def labels(self) -> Sequence[int] | None:
        return self.listing.labels

    @property
    def about(self) -> About:
        own = self.listing
        return About(own.format, own.annotated, own.classes, own.class_ids, own.problems)

    def __len__(self) -> int:
        return len(self.listing)

    def identity(self, index: int) -> str:
        """SHA-256 of the bytes of the file, or of the pixels where pictures are no files."""
        if index not in self._identities:
            source = self._source(index)
            try:
                if isinstance(source, Path):
                    check_file(source)
                data = (
                    source.read_bytes() if isinstance(source, Path) else repr(source.shape).encode() + source.tobytes()
                )
            except OSError as error:
                raise DatasetError(f"{source}: cannot be read ({error.strerror}).") from None
            self._identities[index] = hashlib.sha256(data).hexdigest()
        return self._identities[index]

    def describe(self, index: int) -> Description:
        source = self._source(index)
        height, width = upright_size(source) if isinstance(source, Path) else source.shape[:2]
        frame = frame_of((height, width), self.image)
        return Description(self.listing.names[index], self.listing.truth(index), frame)

    def __getitem__(self, index: int) -> Sample:
        source = self._source(index)
        pixels = decode(source, self.image) if isinstance(source, Path) else decode_array(source, self.image)
        return {self.image.name: pixels}

    def _source(self, index: int) -> Path | Pixels:
        if not 0 <= index < len(self.listing):
            raise IndexError(f"{self.name}, sample {index}")
        return self.listing.picture(index)
