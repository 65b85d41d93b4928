"""Documents cannot drift: every command they name exists, and those of `sh` blocks run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from ml_core.entrypoints.cli import call, cli
from ml_core.errors import UnknownTaskError
from ml_core.manifest import load_manifest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(ml-health [^`]*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
FOREVER = ("scheduler", "demo")
"""Commands that do not end by themselves, or have a test of their own."""


@dataclass(frozen=True)
class Named:
    """A command line of ours in a document."""

    document: str
    line: str
    runnable: bool

    @property
    def words(self) -> list[str]:
        """Its words after `ml-health`, without comments and what follows in the shell."""
        words = shlex.split(self.line, comments=True)[1:]
        ends = [place for place, word in enumerate(words) if word in {"|", "&&", ";", ">"}]
        return words[: ends[0]] if ends else words

    def __str__(self) -> str:
        return f"{self.document}: {self.line}"


def find_commands(document: Path) -> Iterator[Named]:
    """Every `ml-health ...` of a document, in blocks and in the text."""
    text, name = document.read_text(encoding="utf-8"), document.relative_to(ROOT).as_posix()
    for kind, block in FENCE.findall(text):
        for line in block.splitlines():
            command = line.removeprefix("$ ").strip()
            if command.startswith("ml-health "):
                yield Named(name, command, runnable=kind == "sh")
    for span in SPAN.findall(FENCE.sub("", text)):
        yield Named(name, " ".join(span.split()), runnable=False)


COMMANDS = [named for document in DOCUMENTS for named in find_commands(document)]


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words that are left for it."""
    command: click.Command = cli
    context = click.Context(cli, info_name="ml-health")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("named", COMMANDS, ids=str)
def test_every_command_and_option_named_exists(named: Named) -> None:
    """A reader who types what is written is understood."""
    command, rest = resolve(named.words)
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help", "-h"}

    assert {word.split("=")[0] for word in rest if word.startswith("-")} <= known
    if command.name == "run" and rest and rest[0].islower():
        try:
            load_manifest().task(rest[0])
        except UnknownTaskError as exc:
            pytest.fail(str(exc))


RUNNABLE = [named for named in COMMANDS if named.runnable and named.words[0] not in FOREVER]


@pytest.mark.parametrize("document", sorted({named.document for named in RUNNABLE}))
def test_the_commands_of_sh_blocks_run(
    document: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, on a new site: each ends well, or with warnings."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)

    codes = {named.line: call(named.words) for named in RUNNABLE if named.document == document}

    assert {line: code for line, code in codes.items() if code not in (0, 1)} == {}


def test_the_guide_has_commands_that_run() -> None:
    """The rule above finds something to hold."""
    assert len([named for named in RUNNABLE if named.document == "docs/operations.md"]) >= 5


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    """Documents refer to files that are there."""
    targets = LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8")))

    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("command", cli.list_commands(click.Context(cli)))
def test_every_command_stands_in_a_document(command: str) -> None:
    """What can be done is written down somewhere."""
    assert [named for named in COMMANDS if named.words and named.words[0] == command]


def test_every_task_stands_in_the_readme() -> None:
    """The table of tasks is whole, and has no more than there is."""
    table = set(re.findall(r"^\| `(ml_\w+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))

    assert table == {spec.task_id for spec in load_manifest().tasks}
