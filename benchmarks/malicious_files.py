"""Model files that mean harm, made from a good one: what `malicious_models.py` and the tests of loading try.

Each maker takes the good file's `Parts` and a `Target`, and returns the bytes of `.keras` files by name. They follow
what is known of Keras: code in Lambda layers (CVE-2024-3660), modules of the file's choice (CVE-2025-1550), functions
that fetch or switch the guard off (CVE-2025-8747, 2025-9906), vocabularies and weights read from other files
(CVE-2025-12058, 2026-1669), graphs and modules behind layers (CVE-2026-1462, 2025-49655), sizes that fill the memory
(CVE-2026-0897).
"""

import copy
import dataclasses
import io
import json
import pickle
import stat
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
OUTSIDE = "layers/outside/vars/0"


@dataclasses.dataclass(frozen=True)
class Target:
    """What a malicious file is after: a `canary` that its code would write, a `secret` of HDF5 that it would read."""

    canary: Path
    secret: Path


@dataclasses.dataclass(frozen=True)
class Parts:
    """A good model file in its parts."""

    metadata: bytes
    config: dict
    weights: bytes

    @classmethod
    def of(cls, path) -> "Parts":
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read(CONFIG))
            return cls(archive.read(METADATA), config, archive.read(WEIGHTS))

    def with_config(self, config) -> bytes:
        return _zipped({**self.members(), CONFIG: config if isinstance(config, bytes) else json.dumps(config).encode()})

    def with_arguments(self, **arguments) -> bytes:
        config = copy.deepcopy(self.config)
        config["config"] |= arguments
        return self.with_config(config)

    def with_weights(self, change: Callable[[h5py.File], None]) -> bytes:
        content = io.BytesIO(self.weights)
        with h5py.File(content, "r+") as file:
            change(file)
        return _zipped({**self.members(), WEIGHTS: content.getvalue()})

    def members(self) -> dict[str, bytes]:
        return {METADATA: self.metadata, CONFIG: json.dumps(self.config).encode(), WEIGHTS: self.weights}


class _Runs:
    """Unpickled, it writes the canary."""

    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self):
        return subprocess.call, (["touch", str(self.canary)],)


def lambda_model(target: Target) -> dict:
    """The config of a Keras model whose Lambda layer writes the canary when it is called."""
    import keras

    # Its code is marshalled into the config, so all that it needs must be constants of its own.
    code = compile(f"lambda x: (open({str(target.canary)!r}, 'w').close(), x)[1]", "layer", "eval")
    layer = keras.layers.Lambda(eval(code), output_shape=(2,))
    return keras.saving.serialize_keras_object(keras.Sequential([keras.Input((2,)), layer]))


def _zipped(members: dict, compression=zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def _function(module: str, name: str) -> dict:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def _layer(module: str, class_name: str, /, **config) -> dict:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def config_attacks(parts: Parts, target: Target) -> dict[str, bytes]:
    """Files whose config.json means harm."""
    ours, canary = parts.config, str(target.canary)
    bad_lambda = lambda_model(target)
    functional = {"name": "m", "input_layers": [], "output_layers": [], "layers": bad_lambda["config"]["layers"]}
    unsafe = _function("keras.config", "enable_unsafe_deserialization")
    fetch = _layer("keras.layers", "Lambda", function=_function("keras.utils", "get_file"), name="fetch")
    lookup = _layer("keras.layers", "StringLookup", vocabulary=str(target.secret))
    return {
        "lambda model": parts.with_config(bad_lambda),
        "lambda within our class": parts.with_config({**ours, "config": functional}),
        "lambda beside our arguments": parts.with_arguments(**functional),
        "os.system as the class": parts.with_config(_layer("os", "system", command=f"touch {canary}")),
        "os.system as our class": parts.with_config({**ours, "module": "os", "class_name": "system"}),
        "subprocess as a function": parts.with_config(_function("subprocess", "getoutput")),
        "class named like ours": parts.with_config({**ours, "registered_name": "evil>Recognizer"}),
        "class named in Cyrillic": parts.with_config({**ours, "registered_name": "keras_stt>R\u0435cognizer"}),
        "a layer of ours as the model": parts.with_config({**ours, "registered_name": "keras_stt>AudioBlock"}),
        "guard switched off": parts.with_arguments(training={"flags": unsafe}),
        "download by get_file": parts.with_arguments(training=fetch),
        "lambda as an activation": parts.with_arguments(attention_activation=bad_lambda["config"]["layers"][-1]),
        "marshalled lambda as a name": parts.with_arguments(name={"class_name": "__lambda__", "config": {"value": ""}}),
        "vocabulary layer that reads a file": parts.with_arguments(vocabulary=lookup),
        "vocabulary that is a path": parts.with_arguments(vocabulary=str(target.secret)),
        "SavedModel layer": parts.with_config(_layer("keras.layers", "TFSMLayer", filepath=str(target.secret.parent))),
        "PyTorch module": parts.with_config(_layer("keras.layers", "TorchModuleWrapper", module=canary)),
        "argument of no model": parts.with_arguments(dtype={"module": "os", "class_name": "system", "config": {}}),
        "terminal codes in a name": parts.with_arguments(**{"\x1b]0;evil\x07\n": 1}),
        "deeply nested": parts.with_config(b"[" * 1_000_000),
        "no JSON": parts.with_config(b"\xff\xfe{"),
        "no object": parts.with_config(b"[]"),
        "no arguments": parts.with_config({**ours, "config": None}),
        "config of 100 MB": parts.with_config(b" " * 100_000_000),
        "model of terabytes": parts.with_arguments(model_dim=60_000),
        "a million blocks": parts.with_arguments(blocks=1_000_000),
        "ten thousand blocks of width 1": parts.with_arguments(model_dim=1, blocks=10_000),
        "ten thousand audio blocks": parts.with_arguments(audio_blocks=10_000),
        "positions of gigabytes": parts.with_arguments(position="learned", audio_context=65_000, model_dim=4_000),
        "windows of gigabytes": parts.with_arguments(text_context=65_000, audio_context=65_000),
        "negative width": parts.with_arguments(model_dim=-8),
        "width that is no number": parts.with_arguments(model_dim=float("nan")),
        "endless number": parts.with_config(json.dumps(ours).replace('_dim": ', '_dim": ' + "9" * 5000).encode()),
        "lead that is code": parts.with_arguments(training={"lead": "__import__('os')"}),
    }  # fmt: skip


def archive_attacks(parts: Parts, target: Target) -> dict[str, bytes]:
    """Files whose archive means harm."""
    members, good = parts.members(), _zipped(parts.members())
    pickled = pickle.dumps(_Runs(target.canary))
    link = zipfile.ZipInfo(WEIGHTS)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zeros, deflate = bytes(100_000_000), zipfile.ZIP_DEFLATED
    bomb = _zipped({**members, WEIGHTS: zeros}, deflate)
    lzma = _zipped({**members, METADATA: zeros[:10_000_000]}, zipfile.ZIP_LZMA)
    return {
        "a pickle": pickled,
        "a pickle before the archive": pickled + good,
        "a pickle within": _zipped({**members, "model.pkl": pickled}),
        "zip slip upwards": _zipped({**members, f"../../{target.canary.name}": b"evil"}),
        "zip slip by an absolute name": _zipped({**members, str(target.canary): b"evil"}),
        "zip slip by an asset": _zipped({**members, f"assets/../../{target.canary.name}": b"evil"}),
        "zip slip by backslashes": _zipped({**members, f"..\\..\\{target.canary.name}": b"evil"}),
        "assets": _zipped({**members, "assets/vocabulary.txt": b"word"}),
        "weights that are a link": _zipped({METADATA: b"", CONFIG: members[CONFIG], link: str(target.secret)}),
        "config twice": _joined(members, CONFIG, json.dumps(lambda_model(target)).encode()),
        "config in capitals": _renamed(members, CONFIG, "CONFIG.JSON"),
        "config in full-width letters": _renamed(members, CONFIG, "\uff43onfig.json"),
        "config written backwards": _renamed(members, CONFIG, "\u202enosj.gifnoc"),
        "config and a zero byte": good.replace(b"config.json", b"config.jso\0"),
        "names that differ within": good[::-1].replace(b"config.json"[::-1], b"config.xxxx"[::-1], 1)[::-1],
        "no config": _renamed(members, CONFIG, None),
        "no metadata": _renamed(members, METADATA, None),
        "no weights": _renamed(members, WEIGHTS, None),
        "weights as npz": _renamed(members, WEIGHTS, "model.weights.npz"),
        "nothing within": _zipped({}),
        "cut short": good[: len(good) // 2],
        "cut in the directory": good[:-30],
        "a comment": good[:-2] + struct.pack("<H", 4) + b"evil",
        "bytes after the end": good + bytes(1000),
        "zip bomb of weights": bomb,
        "zip bomb of the config": _zipped({**members, CONFIG: zeros}, deflate),
        "zip bomb that claims little": _claiming(bomb, WEIGHTS, len(members[WEIGHTS])),
        "zip bomb by LZMA": lzma,
        "size that is not stored": _claiming(good, WEIGHTS, 2**31),
        "encrypted": _flagged(good, CONFIG),
        "a hundred thousand members": _zipped({**members, **{f"{i}": b"" for i in range(100_000)}}),
    }


def _joined(members: dict, name: str, second: bytes) -> bytes:
    with_two = _zipped({**members, "?" * len(name): second})
    return with_two.replace(b"?" * len(name), name.encode())


def _renamed(members: dict, name: str, new: str | None) -> bytes:
    return _zipped({(new if name == old else old): data for old, data in members.items() if new or old != name})


def _directory_entry(archive: bytes, name: str) -> int:
    return archive.rindex(name.encode()) - 46


def _claiming(archive: bytes, name: str, size: int) -> bytes:
    """The same with another unpacked size in its directory."""
    place = _directory_entry(archive, name) + 24
    return archive[:place] + struct.pack("<I", size) + archive[place + 4 :]


def _flagged(archive: bytes, name: str) -> bytes:
    place = _directory_entry(archive, name) + 8
    return archive[:place] + b"\1" + archive[place + 1 :]


def weights_attacks(parts: Parts, target: Target) -> dict[str, bytes]:
    """Files whose weights mean harm."""
    with h5py.File(io.BytesIO(parts.weights), "r") as file:
        names = []
        file.visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) and item.ndim == 2 else None
        )
        one, shape, dtype = names[0], file[names[0]].shape, file[names[0]].dtype

    def instead(make):
        def change(file):
            del file[one]
            make(file)

        return parts.with_weights(change)

    virtual = h5py.VirtualLayout(shape, dtype)
    virtual[:] = h5py.VirtualSource(str(target.secret), "secret", shape)
    secret, huge, gzip = str(target.secret), (2**20, 2**20), {"chunks": (1024, 1024), "compression": "gzip"}
    return {
        "link to another file": instead(lambda file: file.update({one: h5py.ExternalLink(secret, "secret")})),
        "group in another file": parts.with_weights(lambda file: file.update({"x": h5py.ExternalLink(secret, "/")})),
        "soft link": instead(lambda file: file.update({one: h5py.SoftLink("/layers")})),
        "bytes of another file": instead(lambda file: file.create_dataset(one, shape, dtype, external=secret)),
        "virtual array of another file": instead(lambda file: file.create_virtual_dataset(one, virtual)),
        "shape bomb": instead(lambda file: file.create_dataset(one, huge, "f4", **gzip)),
        "shape bomb beside the model": parts.with_weights(
            lambda file: file.create_dataset(OUTSIDE, huge, "f4", **gzip)
        ),
        "gzip bomb": instead(lambda file: file.create_dataset(one, data=np.zeros((5000, 5000)), compression="gzip")),
        "terabytes never written": instead(lambda file: file.create_dataset(one, huge, "f4")),
        "texts": instead(lambda file: file.create_dataset(one, data=["evil"], dtype=h5py.string_dtype())),
        "references": instead(lambda file: file.create_dataset(one, (2,), dtype=h5py.ref_dtype)),
        "opaque bytes": instead(lambda file: file.create_dataset(one, data=np.zeros(4, "V100"))),
        "a row of numbers in each": instead(lambda file: file.create_dataset(one, (2,), dtype=np.dtype(("f4", (3,))))),
        "nothing in an array": instead(lambda file: file.create_dataset(one, data=h5py.Empty("f4"))),
        "a loop": parts.with_weights(lambda file: file.update({"layers/again": file["/"]})),
        "one array twice": parts.with_weights(lambda file: file.update({OUTSIDE: file[one]})),
        "an attribute": parts.with_weights(lambda file: file[one].attrs.update({"code": pickle.dumps(1).hex()})),
        "a type with a name": parts.with_weights(lambda file: file.update({"type": np.dtype("f8")})),
        "wrong shape": instead(lambda file: file.create_dataset(one, data=np.zeros(shape[::-1], dtype).T[:, :-1])),
        "one dimension more": instead(lambda file: file.create_dataset(one, data=np.zeros((*shape, 1), dtype))),
        "an array missing": instead(lambda file: None),
        "a layer missing": parts.with_weights(lambda file: file["layers"].__delitem__(one.split("/")[1])),
        "no array": parts.with_weights(lambda file: file.clear()),
        "no HDF5": _zipped({**parts.members(), WEIGHTS: b"evil" * 1000}),
        "half of the HDF5": _zipped({**parts.members(), WEIGHTS: parts.weights[: len(parts.weights) // 2]}),
        "no bytes": _zipped({**parts.members(), WEIGHTS: b""}),
    }  # fmt: skip


ATTACKS = {"config": config_attacks, "archive": archive_attacks, "weights": weights_attacks}
