"""All examinations, in the order in which they are told."""

from collections.abc import Iterator

from keras_stt.doctor.backend import Probe
from keras_stt.doctor.finding import Finding
from keras_stt.doctor.machine import look_at_machine
from keras_stt.doctor.packages import look_at_packages
from keras_stt.doctor.sound import look_at_sound


def examine() -> Iterator[Finding]:
    """Looks at everything, and tells it as it is found; what takes longest, the backend, goes on beside the rest."""
    probe = Probe()
    try:
        yield from look_at_packages()
        yield from look_at_machine()
        yield from look_at_sound()
        yield from probe.findings()
    finally:
        probe.stop()
