"""All examinations, in the order in which they are told."""

from keras_stt.doctor.backend import Probe
from keras_stt.doctor.finding import Finding
from keras_stt.doctor.machine import look_at_machine
from keras_stt.doctor.packages import look_at_packages
from keras_stt.doctor.sound import look_at_sound


def examine() -> list[Finding]:
    """Looks at everything; what takes longest, the backend, goes on beside the rest."""
    probe = Probe()
    findings = [*look_at_packages(), *look_at_machine(), *look_at_sound()]
    return [*findings, *probe.findings()]
