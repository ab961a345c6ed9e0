"""What one request, and all of them together, may take."""

import dataclasses

MEGABYTE = 1_000_000  # bytes


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the server takes at most.

    Attributes:
        max_mb: megabytes of a request's body, the recording and all fields.
        max_seconds: of audio in a recording.
        concurrency: copies of the model, each of which hears one recording at a time.
        queue: requests that may be received or wait beside those at work; one more is refused.
        timeout_s: seconds from the first byte of a request to the last of its answer.
    """

    max_mb: float = 50.0
    max_seconds: float = 900.0
    concurrency: int = 1
    queue: int = 32
    timeout_s: float = 120.0

    @property
    def max_bytes(self) -> int:
        return int(self.max_mb * MEGABYTE)

    @property
    def most_requests(self) -> int:
        """Taken at once."""
        return self.concurrency + self.queue
