"""The flags of bulk work: where it is done, in how large parts, and where what is made goes."""

import argparse
import os

from keras_stt.bulk.engine import Engine
from keras_stt.cli.parser import section
from keras_stt.errors import FlagError
from keras_stt.pretrained import language_model_names, pretrained_names


def add_engine_arguments(parser: argparse.ArgumentParser, size: int, inputs: str) -> None:
    """Adds the flags that say where the work is done, and in how large parts."""
    words = "folder to write into; on a cluster one that all machines see"
    parser = section(parser, "work")
    parser.add_argument("--output", required=True, metavar="FOLDER", help=words)
    parser.add_argument(
        "--part_size", type=int, metavar=inputs.upper(), default=size, help=f"{inputs} in a part (default: %(default)s)"
    )
    words = "HOST:PORT of a Ray cluster, on which keras_stt is installed (default: this machine)"
    parser.add_argument("--ray_address", metavar="ADDRESS", default="", help=words)
    words = "processes, each of which loads the model once (default: as many as there are cores for)"
    parser.add_argument("--workers", type=int, metavar="PROCESSES", default=0, help=words)
    parser.add_argument(
        "--worker_cpus", type=int, metavar="CORES", default=1, help="cores of each (default: %(default)s)"
    )
    parser.add_argument(
        "--worker_gpus", type=float, metavar="GPUS", default=0.0, help="GPUs of each, or a share (default: 0)"
    )


def engine_of(args: argparse.Namespace) -> Engine:
    """What the flags say of it.

    Raises:
        FlagError: numbers that make no sense.
    """
    if args.part_size < 1:
        raise FlagError("part_size", f"{args.part_size}; give 1 or more")
    return Engine(args.ray_address, args.workers, args.worker_cpus, args.worker_gpus)


def from_the_root(name: str) -> str:
    """The name of what comes with the package as it is; a path from the root on: workers have other folders."""
    return name if name in (*pretrained_names(), *language_model_names()) else os.path.abspath(name)
