"""Which rows of a batch a process or a device reads, when several share it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Share:
    """The `index`th of `count` equal parts of every batch, the rows of which lie side by side."""

    index: int = 0
    count: int = 1

    def rows(self, size: int) -> range:
        """Of a batch of `size` rows.

        Raises:
            ValueError: it cannot be divided into so many equal parts.
        """
        if size % self.count:
            raise ValueError(f"a batch of {size} cannot be shared by {self.count}")
        each = size // self.count
        return range(self.index * each, (self.index + 1) * each)


WHOLE = Share()
