"""`keras-stt serve`: a page and an HTTP API that write down what is said."""

import argparse
import errno
import importlib.util
import ipaddress
import math
import socket
import sys
from pathlib import Path

from keras_stt.cli.decoding import add_decoding_arguments, check_decoding_arguments, decoding_of, is_utterance_model
from keras_stt.cli.model import add_model
from keras_stt.errors import FlagError, InputError

HOST, PORT = "127.0.0.1", 8000
# Of `keras_stt.serve.limits`, which is slow to import.
MAX_MB, MAX_SECONDS, CONCURRENCY, QUEUE, TIMEOUT_S = 50.0, 900.0, 1, 32, 120.0
MOST_CONNECTIONS = 512
STOP_SECONDS = 10  # that what is at work has to end, once the server is told to
NEEDED = ("fastapi", "uvicorn", "python_multipart")
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "serve",
        help="a page and an HTTP API that write down what is said",
        description="Serves a page on which recordings are transcribed, looked at and completed, and an HTTP API that "
        "OpenAI's clients can ask, until Ctrl-C. Needs pip install 'keras_stt[serve]'.",
    )
    add_model(parser)
    words = f"address to listen on (default: {HOST}, this machine alone); 0.0.0.0: whoever reaches it, unasked who"
    parser.add_argument("--host", default=HOST, help=words)
    parser.add_argument(
        "--port", type=int, metavar="PORT", default=PORT, help=f"port, 0: any free one (default: {PORT})"
    )
    words = f"megabytes of a request, at most (default: {MAX_MB:g})"
    parser.add_argument("--max_mb", type=float, metavar="MEGABYTES", default=MAX_MB, help=words)
    words = f"seconds of audio in a recording, at most (default: {MAX_SECONDS:g})"
    parser.add_argument("--max_seconds", type=float, metavar="SECONDS", default=MAX_SECONDS, help=words)
    words = f"copies of the model, each hears one recording at a time (default: {CONCURRENCY})"
    parser.add_argument("--concurrency", type=int, metavar="MODELS", default=CONCURRENCY, help=words)
    words = f"requests that may wait beside those at work; more are refused (default: {QUEUE})"
    parser.add_argument("--queue", type=int, metavar="REQUESTS", default=QUEUE, help=words)
    words = f"seconds in which a request must be answered (default: {TIMEOUT_S:g})"
    parser.add_argument("--timeout_s", type=float, metavar="SECONDS", default=TIMEOUT_S, help=words)
    add_decoding_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serves until it is interrupted.

    Raises:
        InputError: the model cannot be loaded, a flag makes no sense, or the port cannot be had.
    """
    check_decoding_arguments(args)
    _check(args)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f'serve: needs {", ".join(missing)}; pip install "keras_stt[serve]"')
    with _listening(args.host, args.port) as listening:
        app = _app(args)
        host, port = listening.getsockname()[:2]
        if not is_loopback(args.host):
            print(
                f"keras-stt: whoever reaches {host} can use this server: it asks nobody who they are", file=sys.stderr
            )
        shown = f"[{host}]" if ":" in host else host
        print(f"{args.model}: http://{shown}:{port} (Ctrl-C ends it)", flush=True)
        _serve(app, listening)
    return 0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(args: argparse.Namespace) -> None:
    for name, unit in (("max_mb", "megabytes"), ("max_seconds", "seconds"), ("timeout_s", "seconds")):
        value = getattr(args, name)
        if not 0 < value < math.inf:
            raise FlagError(name, f"{value:g} {unit}; give more than 0")
    if not 0 <= args.port < 1 << 16:
        raise FlagError("port", f"{args.port}; give 0 to 65535")
    if args.concurrency < 1:
        raise FlagError("concurrency", f"{args.concurrency} copies of the model; give 1 or more")
    if args.queue < 0:
        raise FlagError("queue", f"{args.queue} requests; give 0 or more")


def _listening(host: str, port: int) -> socket.socket:
    """A socket at the address; taken before the model is loaded, which takes long.

    Raises:
        FlagError: there is no such address here, or another program has the port.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        elsewhere = isinstance(error, (socket.gaierror, UnicodeError)) or error.errno == errno.EADDRNOTAVAIL
        if not elsewhere:
            raise FlagError("port", f"{port} of {host} ({reason}); give another, or 0 for any free one") from error
        raise FlagError("host", f"{host} ({reason}); give an address of this machine") from error


def _app(args: argparse.Namespace):
    """The application with its models loaded."""
    from keras_stt.serve import Limits, Served, create_app
    from keras_stt.serve.served import MOST_PASSES

    if args.passes > MOST_PASSES:
        raise FlagError("passes", f"{args.passes} passes; give at most {MOST_PASSES}, which requests may ask for")
    import numpy as np

    from keras_stt.audio import SAMPLE_RATE
    from keras_stt.recognizer import load_model

    limits = Limits(args.max_mb, args.max_seconds, args.concurrency, args.queue, args.timeout_s)
    models = [load_model(args.model) for _ in range(args.concurrency)]
    decoding = decoding_of(models[0], args)
    for model in models:  # what is built at the first use is built before a request waits for it
        model.transcribe(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE, **decoding)
    passes = decoding.pop("passes")
    filling = {}
    if is_utterance_model(models[0]):
        filling = {name: value for name, value in decoding.items() if name != "candidates"}
    served = Served.of(models[0], _name(args.model), passes, decoding, filling)
    hosts = LOCAL_NAMES | {args.host.lower()} if is_loopback(args.host) else None
    return create_app(served, models, limits, hosts)


def _name(model: str) -> str:
    """By which requests name the model: that of the file or folder, without its ending."""
    path = Path(model)
    path = path.parent if path.name == "model.keras" else path
    return path.resolve().name.removesuffix(".keras") or "model"


def _serve(app, listening: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # how one ends it
        print()
