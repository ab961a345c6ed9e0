"""A program of its own, which a broken backend may take down: python -m keras_stt.doctor.probe

Prints a JSON object a line, `{"name": ..., "told": ...}`, as it comes to it.
"""

import json
import time


def tell(name: str, told: str) -> None:
    print(json.dumps({"name": name, "told": told}), flush=True)


def main() -> None:
    started = time.monotonic()
    import keras

    backend = keras.backend.backend()
    tell("backend works", f"{backend}, imported in {time.monotonic() - started:.1f} s")
    tell("devices", DEVICES[backend]())
    from keras_stt.pretrained import pretrained_names
    from keras_stt.recognizer import load_model

    for name in pretrained_names():
        started = time.monotonic()
        load_model(name)
        tell(f"model {name}", f"loads in {time.monotonic() - started:.1f} s")


def _of_tensorflow() -> str:
    import tensorflow as tf

    return ", ".join(device.name.removeprefix("/physical_device:") for device in tf.config.list_physical_devices())


def _of_jax() -> str:
    import jax

    return ", ".join(f"{device.device_kind} {device.id}{_free_of(device)}" for device in jax.devices())


def _free_of(device) -> str:
    found = device.memory_stats() or {}
    free = found.get("bytes_limit", 0) - found.get("bytes_in_use", 0)
    return f", {free / 2**30:.1f} GB free" if free > 0 else ""


def _of_torch() -> str:
    import torch

    found = [f"cpu, {torch.get_num_threads()} threads"]
    for index in range(torch.cuda.device_count()):
        free = torch.cuda.mem_get_info(index)[0] / 2**30
        found.append(f"{torch.cuda.get_device_name(index)}, {free:.1f} GB free")
    return "; ".join(found)


DEVICES = {"tensorflow": _of_tensorflow, "jax": _of_jax, "torch": _of_torch}

if __name__ == "__main__":
    main()
