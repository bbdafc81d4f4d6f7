"""What may be typed after ``loreleaf``. Imports nothing of the program, so that --help is quick."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

PASSED_ON = {"train": "engine.training.__main__", "eval": "app.evaluation.command"}
"""Commands that parse their own arguments, in their own process: name -> module with ``main``."""

_DOCUMENT_HELP = "a number of “loreleaf list”, a title, or the path of a file or folder"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and what to do.

    Attributes:
        takes_set: its arguments name a set: DOC..., --all or --enabled, and exactly one of them.
    """

    takes_set = False
    _is_inside = False

    def parse_known_args(  # type: ignore[override]  # the overloads of typeshed
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does it, but for sets: there, options may stand between DOC... and OUT."""
        if not self.takes_set or self._is_inside or {"-h", "--help"} & set(args or ()):
            return super().parse_known_args(args, namespace)
        self._is_inside = True  # it calls this method in turn
        try:
            options, rest = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_inside = False
        if not rest and [bool(options.documents), options.all, options.enabled].count(True) != 1:
            self.error("name documents, or --all, or --enabled")
        return options, rest

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
        return argparse.Namespace(
            home=home,
            run="app.cli.delegation:run_elsewhere",
            module=PASSED_ON[rest[0]],
            arguments=list(rest[1:]),
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


class _ShowVersion(argparse.Action):
    """Says the version and ends. Looks it up only then: that import takes longer than all others here."""

    def __call__(self, parser: argparse.ArgumentParser, *_what_was_typed: object) -> None:
        """Exit with code 0."""
        print(f"loreleaf {_version()}")
        parser.exit()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("loreleaf")
    except PackageNotFoundError:  # run from the sources
        return "(not installed)"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="loreleaf",
        description="Learns your notes and answers questions about them, offline. Without a command it opens "
        "the window.",
        epilog="Exit codes: 0 done, 1 it failed and said why, 2 the command line was wrong. For developers "
        "there are also bench (speed), eval (how well notes are remembered) and train (a hypernetwork).",
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and exit")
    home_help = "the folder with Loreleaf's data (default: LORELEAF_HOME, else the system's usual place)"
    parser.add_argument("--home", metavar="DIR", help=home_help)
    parser.set_defaults(run="app.cli.window:open_window")
    # The same option after the command; SUPPRESS, or its default would undo what stood before.
    everywhere = _Parser(add_help=False)
    everywhere.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help=home_help)
    commands = _Commands(parser, "COMMAND", everywhere)
    _add_library_commands(commands)
    _add_exchange_commands(commands)
    _add_question_commands(commands)
    _add_model_commands(commands)
    bench = commands.add_unlisted("bench", "bench_command:bench", "Measure the speed of this computer.")
    _add_json(bench)
    return parser


class _Commands:
    """The commands of a parser, each with the options that stand everywhere."""

    def __init__(self, parser: _Parser, metavar: str, everywhere: _Parser, *, required: bool = False) -> None:
        self._subparsers = parser.add_subparsers(metavar=metavar, required=required, parser_class=_Parser)
        self._everywhere = everywhere

    def add(self, name: str, run: str, help_text: str) -> _Parser:
        """Add a command that calls ``run``, "module:function" in app.cli."""
        description = f"{help_text[:1].upper()}{help_text[1:]}."
        added = self._subparsers.add_parser(
            name, parents=[self._everywhere], help=help_text, description=description
        )
        added.set_defaults(run=f"app.cli.{run}")
        return added

    def add_with_set(self, name: str, run: str, help_text: str, remark: str) -> _Parser:
        """Add a command for a set: DOC..., --all or --enabled. Further arguments may follow."""
        added = self.add(name, run, help_text)
        added.takes_set = True
        added.description = f"{added.description} {remark}"
        added.add_argument("documents", nargs="*", metavar="DOC", help=_DOCUMENT_HELP)
        added.add_argument("--all", action="store_true", help="all documents that are learnt")
        added.add_argument("--enabled", action="store_true", help="the set that is switched on")
        return added

    def add_group(self, name: str, metavar: str, help_text: str) -> "_Commands":
        """Add a command that has commands of its own."""
        group = self._subparsers.add_parser(name, parents=[self._everywhere], help=help_text)
        return _Commands(group, metavar, self._everywhere, required=True)

    def add_unlisted(self, name: str, run: str, description: str) -> _Parser:
        """Add a command as ``add`` does, but leave it out of the list of commands in the help."""
        added = self._subparsers.add_parser(name, parents=[self._everywhere], description=description)
        added.set_defaults(run=f"app.cli.{run}")
        return added


def _add_library_commands(commands: _Commands) -> None:
    add = commands.add("add", "library_commands:add", "learn files and folders")
    add.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="none: learn what is still queued, and what an earlier version of Loreleaf learnt",
    )
    watch = commands.add("watch", "library_commands:watch", "keep up with a folder")
    watch.add_argument("folder", metavar="DIR")
    unwatch = commands.add("unwatch", "library_commands:unwatch", "keep up with a folder no longer")
    unwatch.add_argument("folder", metavar="DIR")
    listing = commands.add("list", "library_commands:list_documents", "show the documents and their state")
    _add_json(listing)
    for name, function, help_text in (
        ("on", "switch_on", "let documents take part in answers"),
        ("off", "switch_off", "keep documents out of answers"),
    ):
        switch = commands.add(name, f"library_commands:{function}", help_text)
        which = switch.add_mutually_exclusive_group(required=True)
        which.add_argument("documents", nargs="*", default=[], metavar="DOC", help=_DOCUMENT_HELP)
        which.add_argument("--all", action="store_true", help="all documents")
    forget = commands.add("forget", "library_commands:forget", "remove documents for good; the files stay")
    forget.add_argument("documents", nargs="+", metavar="DOC", help=_DOCUMENT_HELP)
    forget.add_argument(
        "--delete-backups",
        action="store_true",
        help="also delete the library's backups, which still hold them",
    )
    rename = commands.add("rename", "import_command:rename", "call an imported adapter something else")
    rename.add_argument("document", metavar="DOC", help=_DOCUMENT_HELP)
    rename.add_argument("name", metavar="NAME")


def _add_exchange_commands(commands: _Commands) -> None:
    export = commands.add_with_set(
        "export",
        "export_command:export",
        "write documents' adapters as one for other programs",
        "All their passages are in it at equal weight. Loreleaf itself routes: for each question it picks "
        "the few passages that matter. So a large set answers better there than as one adapter.",
    )
    export.add_argument("--format", required=True, choices=("peft", "gguf"))
    export.add_argument("out", metavar="OUT", help="a file for gguf, a folder for peft")
    _add_place(export, "replace what is at OUT, also if it is not an earlier export of the same documents")
    imported = commands.add(
        "import", "import_command:import_adapter", "take an adapter into the library that was made elsewhere"
    )
    imported.add_argument("source", metavar="FOLDER|FILE.gguf", help="a PEFT folder, or a GGUF LoRA")
    imported.add_argument("--name", metavar="NAME", help="what it is called in the library and as a source")
    merge = commands.add_with_set(
        "merge",
        "export_command:merge",
        "save the base model with documents' adapters in its weights",
        "All their passages are in it at equal weight, and cannot be switched off in it.",
    )
    base_help = "a transformers folder of the base model; the result is one, too (default: a GGUF file)"
    merge.add_argument("--base", metavar="FOLDER", help=base_help)
    merge.add_argument("out", metavar="OUT", help="a GGUF file; with --base a new folder")
    _add_place(merge, "replace the file at OUT, also if it is not an earlier merge of the same documents")


def _add_place(command: _Parser, overwrite_help: str) -> None:
    command.add_argument("--overwrite", action="store_true", help=overwrite_help)
    command.add_argument("--parents", action="store_true", help="make the folders above OUT that are missing")


def _add_question_commands(commands: _Commands) -> None:
    ask = commands.add("ask", "ask_command:ask", "answer one question")
    ask.add_argument("question", nargs="+", metavar="QUESTION")
    _add_mode(ask)
    _add_json(ask)
    chat = commands.add("chat", "terminal_chat:chat", "chat in the terminal")
    _add_mode(chat)


def _add_model_commands(commands: _Commands) -> None:
    doctor = commands.add("doctor", "doctor:doctor", "look whether everything works")
    _add_json(doctor)
    models = commands.add_group(
        "models", "list|get|add|use|remove", "show, fetch, add, choose or remove base models"
    )
    _add_json(models.add("list", "models_command:list_models", "show the base models"))
    get = models.add("get", "models_command:get_model", "make a base model ready for use")
    get.add_argument("name", metavar="NAME", help="a name of “loreleaf models list”")
    get.add_argument(
        "--from",
        dest="sources",
        metavar="PATH",
        action="append",
        default=[],
        help="a file or folder to use in place of a download; it is not copied. May be given several times; "
        "what no PATH holds is downloaded",
    )
    get.add_argument(
        "--token-file",
        metavar="FILE",
        help="a file with your token for the Hugging Face hub, for models whose publisher asks who downloads "
        "them; “-” reads it from the standard input",
    )
    add = models.add("add", "models_command:add_model", "take in a model file of your own, to chat with")
    add.add_argument("path", metavar="FILE.gguf", help="a GGUF of any model that chats; it stays where it is")
    add.add_argument("--name", metavar="NAME", help="what it is called in “loreleaf models list”")
    use = models.add("use", "models_command:use_model", "choose the base model for the next start")
    use.add_argument("name", metavar="NAME")
    remove = models.add(
        "remove",
        "models_command:remove_model",
        "delete what was downloaded for a base model, or forget one of your own",
    )
    remove.add_argument("name", metavar="NAME")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs instead of people")


def _add_mode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mode",
        choices=("memory", "quotes", "plain"),
        help="memory: what was learnt; quotes: the passages that fit as well; plain: without the notes",
    )
