"""Whether recordings can be read, speech can be made, and a microphone be heard."""

import io

from keras_stt.doctor.finding import MISSING, OK, Finding, found, reason

KINDS = {  # format and subtype by libsndfile's names, and a rate in Hz that the format has
    "WAV": ("WAV", "PCM_16", 44_100),
    "FLAC": ("FLAC", "PCM_16", 48_000),
    "Ogg Vorbis": ("OGG", "VORBIS", 22_050),
    "Ogg Opus": ("OGG", "OPUS", 48_000),
    "MP3": ("MP3", "MPEG_LAYER_III", 44_100),
}
TONE_HZ, SECONDS = 440.0, 0.5
MOST_DIFFERENCE = 0.05  # seconds of length, and share of the pitch: lossy formats pad
REINSTALL = "pip install --force-reinstall soundfile soxr"
PORTAUDIO = "install PortAudio: apt install libportaudio2, brew install portaudio"


def look_at_sound() -> list[Finding]:
    """libsndfile, a small recording of each kind written and read back at 16 kHz, espeak-ng, and PortAudio."""
    findings = [found("libsndfile", _libsndfile, REINSTALL)]
    findings += [
        found(f"reading {name}", lambda kind=kind: read_back(*kind), REINSTALL) for name, kind in KINDS.items()
    ]
    findings.append(found("espeak-ng", _speak, "pip install --force-reinstall espeakng-loader"))
    return [*findings, _microphone()]


def read_back(format: str, subtype: str, rate: int) -> str:
    """Writes a tone on two channels, and reads it as models hear it.

    Raises:
        ValueError: another length or pitch came back.
    """
    import numpy as np
    import soundfile

    from keras_stt.audio import SAMPLE_RATE, read_audio

    time = np.arange(round(SECONDS * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * time)
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone, tone], axis=1), rate, format=format, subtype=subtype)
    heard = read_audio(file.getvalue())
    seconds = len(heard) / SAMPLE_RATE
    pitch = np.argmax(np.abs(np.fft.rfft(heard))) / seconds
    if abs(seconds - SECONDS) > MOST_DIFFERENCE or abs(pitch / TONE_HZ - 1) > MOST_DIFFERENCE:
        raise ValueError(f"{SECONDS} s of {TONE_HZ:.0f} Hz came back as {seconds:.2f} s of {pitch:.0f} Hz")
    return f"{rate / 1000:g} kHz, 2 channels, as 16 kHz mono"


def _libsndfile() -> str:
    import soundfile

    return f"{soundfile.__libsndfile_version__} (soundfile {soundfile.__version__})"


def _speak() -> str:
    from keras_stt.data.espeak import speak

    return f"speaks, {len(speak('good day').word_times)} words with times"


def _microphone() -> Finding:
    try:
        import sounddevice

        inputs = [device["name"] for device in sounddevice.query_devices() if device["max_input_channels"]]
    except ModuleNotFoundError:
        return Finding("microphone", MISSING, "no sounddevice", "pip install sounddevice")
    except Exception as error:  # no PortAudio, or one that finds the sound of this machine in disorder
        return Finding("microphone", MISSING, reason(error), PORTAUDIO)
    version = sounddevice.get_portaudio_version()[1]
    if not inputs:
        return Finding("microphone", MISSING, f"{version} finds none", "plug one in, or give recordings")
    return Finding("microphone", OK, f"{version}: {', '.join(inputs[:3])}")
