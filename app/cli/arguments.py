"""What may be typed after ``loreleaf``. Imports nothing of the program, so that --help is quick."""

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

_AddCommand = Callable[[str, str, str], argparse.ArgumentParser]
"""Adds a command: name, "module:function" in app.cli, help."""

PASSED_ON = {
    "train": ("engine.training.__main__", "train a hypernetwork (for developers)"),
    "eval": ("engine.training.evaluation", "measure how well notes are remembered (for developers)"),
}
"""Commands that parse their own arguments, in a process of their own: name -> (module with ``main``, help)."""

_DOCUMENT_HELP = "a number of “loreleaf list”, a title, or the path of a file or folder"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and what to do."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        sentence = message[:1].upper() + message[1:]
        self.exit(2, f"{sentence}. Type “{self.prog} --help” to see what is possible.\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; ``run`` names the function to call as "module:function".

    Raises:
        SystemExit: the command line was wrong (2), or help was asked for (0).
    """
    home, rest = _split_home(arguments)
    if rest and rest[0] in PASSED_ON:
        module, _help = PASSED_ON[rest[0]]
        return argparse.Namespace(
            home=home, run="app.cli.passing_on:run_elsewhere", module=module, arguments=list(rest[1:])
        )
    return _parser().parse_args(list(arguments))


def _split_home(arguments: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """--home before the command, and what follows."""
    match list(arguments):
        case ["--home", home, *rest]:
            return home, rest
        case [first, *rest] if first.startswith("--home="):
            return first.partition("=")[2], rest
    return None, arguments


def _version() -> str:
    try:
        return version("loreleaf")
    except PackageNotFoundError:  # run from the sources
        return "(not installed)"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="loreleaf",
        description="Learns your notes and answers questions about them, offline. Without a command: the window.",
        epilog="Exit codes: 0 done, 1 it failed and said why, 2 the command line was wrong.",
    )
    parser.add_argument("--version", action="version", version=f"loreleaf {_version()}")
    home_help = "the folder with Loreleaf's data (default: LORELEAF_HOME, else the system's usual place)"
    parser.add_argument("--home", metavar="DIR", help=home_help)
    parser.set_defaults(run="app.cli.window:open_window")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    # The same option after the command; SUPPRESS, or its default would undo what stood before.
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help=home_help)

    def command(name: str, run: str, help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, parents=[everywhere], help=help_text, description=f"{help_text[:1].upper()}{help_text[1:]}."
        )
        added.set_defaults(run=f"app.cli.{run}")
        return added

    _add_library_commands(command)
    _add_question_commands(command)
    _add_model_commands(command)
    for name, (_module, help_text) in PASSED_ON.items():
        commands.add_parser(name, add_help=False, help=help_text)
    return parser


def _add_library_commands(command: _AddCommand) -> None:
    add = command("add", "library_commands:add", "learn files and folders")
    add.add_argument("paths", nargs="+", metavar="PATH")
    watch = command("watch", "library_commands:watch", "keep up with a folder")
    watch.add_argument("folder", metavar="DIR")
    unwatch = command("unwatch", "library_commands:unwatch", "keep up with a folder no longer")
    unwatch.add_argument("folder", metavar="DIR")
    listing = command(
        "list", "library_commands:list_documents", "show the documents, their state and the reason"
    )
    _add_json(listing)
    for name, function, help_text in (
        ("on", "switch_on", "let documents take part in answers"),
        ("off", "switch_off", "keep documents out of answers"),
    ):
        switch = command(name, f"library_commands:{function}", help_text)
        which = switch.add_mutually_exclusive_group(required=True)
        which.add_argument("documents", nargs="*", default=[], metavar="DOC", help=_DOCUMENT_HELP)
        which.add_argument("--all", action="store_true", help="all documents")
    forget = command("forget", "library_commands:forget", "remove documents for good; the files stay")
    forget.add_argument("documents", nargs="+", metavar="DOC", help=_DOCUMENT_HELP)
    export = command("export", "export_command:export", "write a document's adapter for other programs")
    export.add_argument("document", metavar="DOC", help=_DOCUMENT_HELP)
    export.add_argument("--format", required=True, choices=("peft", "gguf"))
    export.add_argument("out", metavar="OUT", help="a file for gguf, a folder for peft")


def _add_question_commands(command: _AddCommand) -> None:
    ask = command("ask", "ask_command:ask", "answer one question")
    ask.add_argument("question", nargs="+", metavar="QUESTION")
    _add_mode(ask)
    _add_json(ask)
    chat = command("chat", "terminal_chat:chat", "chat in the terminal")
    _add_mode(chat)


def _add_model_commands(command: _AddCommand) -> None:
    doctor = command(
        "doctor", "doctor:doctor", "look whether everything works: device, models, catalog, versions"
    )
    _add_json(doctor)
    bench = command("bench", "bench_command:bench", "measure the speed of this computer")
    _add_json(bench)
    models = command("models", "models_command:list_models", "show or prepare the base models")
    actions = models.add_subparsers(metavar="list|get", required=True, parser_class=_Parser)
    listing = actions.add_parser("list", help="show them")
    listing.set_defaults(run="app.cli.models_command:list_models")
    _add_json(listing)
    get = actions.add_parser("get", help="make one ready for use")
    get.add_argument("name", metavar="NAME")
    get.set_defaults(run="app.cli.models_command:get_model")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs instead of people")


def _add_mode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mode",
        choices=("memory", "quotes", "plain"),
        help="memory: what was learnt; quotes: the passages that fit as well; plain: without the notes",
    )
