"""Which packages are installed, as the package's own metadata asks for them."""

import importlib.metadata
import platform
import re
import sys

import keras_stt
from keras_stt.chosen_backend import BACKENDS
from keras_stt.doctor.finding import BROKEN, MISSING, OK, Finding

OLDEST_PYTHON = (3, 11)
FOR_DEVELOPERS = ("benchmark", "test", "fuzz")  # extras nobody misses who uses the package
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?([^;]*)(?:;\s*(.*))?")
_LEAST = re.compile(r">=\s*([\d.]+)")
_EXTRA = re.compile(r"""extra == ['"](\w+)['"]""")


def look_at_packages() -> list[Finding]:
    """This package, Python, what is needed, and each extra."""
    python = platform.python_version()
    findings = [Finding("keras_stt", OK, keras_stt.__version__)]
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        findings.append(Finding("python", BROKEN, python, f"install Python {oldest} or newer"))
    else:
        findings.append(Finding("python", OK, python))
    needed, extras = _requirements()
    findings += [needed_package(*one) for one in needed.items()]
    return findings + [_extra(extra, names) for extra, names in extras.items() if extra not in FOR_DEVELOPERS]


def _requirements() -> tuple[dict[str, str], dict[str, list[str]]]:
    """Names that are needed with the least version of each, and the names of each extra. Of a checkout that was never
    installed only the most necessary ones are known.
    """
    try:
        lines = importlib.metadata.requires("keras_stt") or []
    except importlib.metadata.PackageNotFoundError:
        return {"keras": "", "numpy": "", "soundfile": ""}, {}
    needed, extras = {}, {}
    for line in lines:
        name, versions, condition = _REQUIREMENT.match(line).groups(default="")
        extra = _EXTRA.search(condition)
        if extra is None:
            least = _LEAST.search(versions)
            needed[name] = least[1] if least else ""
        elif name.replace("-", "_") != "keras_stt":
            extras.setdefault(extra[1], []).append(name)
    return needed, extras


def needed_package(name: str, least: str) -> Finding:
    """Whether it is there and new enough; `least` may be empty. Of the backends one is enough."""
    version = _version(name)
    if version and _numbers(version) >= _numbers(least):
        return Finding(name, OK, version)
    told = f"{version}, older than {least}" if version else "not installed"
    return Finding(name, MISSING if name in BACKENDS else BROKEN, told, f"pip install --upgrade {name}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def _extra(extra: str, names: list[str]) -> Finding:
    versions = {name: _version(name) for name in names}
    missing = [name for name, version in versions.items() if not version]
    if missing:
        told = f"without {', '.join(missing)}"
        return Finding(f"extra {extra}", MISSING, told, f"pip install 'keras_stt[{extra}]'")
    return Finding(f"extra {extra}", OK, ", ".join(f"{name} {version}" for name, version in versions.items()))


def _version(name: str) -> str:
    """Of an installed package, without importing it; empty where it is not there."""
    try:
        return importlib.metadata.version(name) or ""
    except importlib.metadata.PackageNotFoundError:
        return ""
