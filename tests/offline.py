"""Runs programs one after the other in this process, and refuses and notes whatever would reach for the network.

    python offline.py NOTES PROGRAM [ARGUMENT ...] [, PROGRAM [ARGUMENT ...]] ...

A program is a script or, without `.py`, a module. Each attempt becomes a line of NOTES, whether or not the program
passes over the error that it gets. What the C++ of a library does is not seen.
"""

import runpy
import sys
import traceback

# Of Python's audit events, those with which a connection begins, and where its address stands in their arguments.
ADDRESSES = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.bind": 1}
NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request", "http.client.connect")


def stays_here(event: str, address) -> bool:
    """A socket of the file system, or one bound to this machine, by which urllib3 learns whether there is IPv6."""
    return not isinstance(address, tuple) or (event == "socket.bind" and address[0] in ("127.0.0.1", "::1"))


def watch(notes: str) -> None:
    """Begins to refuse and to note."""

    def hook(event, arguments):
        if event in NAMES or (event in ADDRESSES and not stays_here(event, arguments[ADDRESSES[event]])):
            with open(notes, "a", encoding="utf-8") as file:
                callers = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_stack()[-8:-1]]
                print(event, arguments[1:], "from", *callers, file=file)
            raise OSError(f"{event}: no network")

    sys.addaudithook(hook)


def main(notes: str, *words: str) -> None:
    watch(notes)
    programs = [[]]
    for word in words:
        programs[-1].append(word) if word != "," else programs.append([])
    for program, *arguments in programs:
        sys.argv = [program, *arguments]
        try:
            if program.endswith(".py"):
                runpy.run_path(program, run_name="__main__")
            else:
                runpy.run_module(program, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if end.code:
                sys.exit(f"{program} {arguments}: exit code {end.code}")


if __name__ == "__main__":
    main(*sys.argv[1:])
