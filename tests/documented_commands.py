"""The commands that README and the pages under docs name, as they stand there."""

import dataclasses
import re
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").glob("*.md") if not p.name.endswith(".in.md"))]
SHELL = ("sh", "bash", "shell", "console")
_FENCE = re.compile(r"^(`{3,})(.*)$")
_SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_BEGINS = re.compile(r"(?:[A-Z_]+=\S+ )*(?:python3?(?:\.\d+)? |keras-stt(?: |$)|pip |pytest )")
_HEREDOC = re.compile(r"<<-?'?(\w+)'?")


@dataclasses.dataclass(frozen=True)
class Block:
    """Attributes: page, line of its first line, language, text without the fence."""

    page: Path
    line: int
    language: str
    text: str


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: a line of a block, or a span of code that begins like one.

    Attributes: where (PAGE:LINE), text, in_a_block.
    """

    where: str
    text: str
    in_a_block: bool

    def words(self, folder: Path) -> list[str]:
        """The words that a shell would give to the program in a folder, without the settings before it."""
        text = self.text
        if re.search(r"[*{]", text):
            text = shlex.join(_expanded(text, folder))
        words = shlex.split(text, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        return words


def _expanded(text: str, folder: Path) -> list[str]:
    """After braces and wildcards, which a shell knows best."""
    done = subprocess.run(
        ["bash", "-O", "nullglob", "-c", f'printf "%s\\0" {text}'], capture_output=True, check=True, cwd=folder
    )
    return done.stdout.decode().split("\0")[:-1]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    found, inside = [], None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is None and fence:
            inside = (fence[1], number + 1, fence[2].strip(), [])
        elif inside and fence and fence[1] == inside[0] and not fence[2]:
            found.append(Block(page, inside[1], inside[2], "\n".join(inside[3])))
            inside = None
        elif inside:
            inside[3].append(line)
    assert inside is None, f"{page.name}: a fence is not closed"
    return found


def commands(page: Path) -> list[Command]:
    """All of a page in their order: those of its shell blocks, and those within its text."""
    found = []
    text = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        first, count = block.line - 1, len(block.text.splitlines())
        text[first - 1 : first + count + 1] = [""] * (count + 2)  # what is left is text
        if block.language in SHELL:
            found += [(block.line + offset, command, True) for offset, command in _of_shell(block.text)]
    text = "\n".join(text)
    for span in _SPAN.finditer(text):
        said = " ".join(span[1].replace("\\|", "|").split())
        if _BEGINS.match(said):
            line = text.count("\n", 0, span.start()) + 1
            found += [(line, part, False) for part in _parts(said)]
    return [Command(f"{page.name}:{line}", *command) for line, *command in sorted(found, key=lambda one: one[0])]


def _of_shell(text: str) -> list[tuple[int, str]]:
    """The commands of a block and where they begin: continued lines are one, a here-document belongs to its command."""
    lines, found, index = text.splitlines(), [], 0
    while index < len(lines):
        first, command = index, lines[index]
        while command.endswith("\\"):
            index += 1
            command = command[:-1] + lines[index]
        index += 1
        heredoc = _HEREDOC.search(command)
        if heredoc:
            end = lines.index(heredoc[1], index)
            command = "\n".join([command, *lines[index : end + 1]])
            index = end + 1
            found.append((first, command))
        elif command.strip() and not command.lstrip().startswith("#"):
            found += [(first, part) for part in _parts(command)]
    return found


def _parts(command: str) -> list[str]:
    """The commands that && joins."""
    return [part.strip() for part in command.split(" && ")]
