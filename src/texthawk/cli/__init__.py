"""The command `texthawk`: a table of verbs, each in a module of its own that is imported when it is used."""

import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

VERBS = {
    "read": "pages become text, or words with boxes and confidence",
    "ask": "answers from a document, with page and place of what they rest on",
    "find": "boxes of a phrase or of a described thing on the pages of a document",
    "plan": "tiles, visual tokens, bytes and operations of a page, before anything runs",
    "synth": "print documents to learn from",
    "index": "write the index that shards of other tools lack",
    "train": "train a recipe, or go on with a run",
    "eval": "score a model on sets of pages",
    "compare": "what each connector costs on a page, on equal terms",
    "show": "pictures of what a model sees in a page: views, features, tokens, words",
    "serve": "answer over HTTP: OpenAI-compatible chats, documents to upload, a web page",
    "assemble": "make a model folder from public backbones",
    "enrich": "captions, thoughts, questions for pages, by a teacher behind an endpoint",
}
"""Verb and what it does; its module is texthawk.cli.VERB, with `main(argv) -> exit status`."""

OPTIONS = ("--help", "--version")

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141  # what a shell reports for SIGINT and SIGPIPE

_OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory|not enough memory", re.IGNORECASE)

_TABLE = "\n".join(f"  {verb:10}{does}" for verb, does in VERBS.items())
USAGE = f"""usage: texthawk VERB ...

{_TABLE}

texthawk VERB --help explains a verb, texthawk --version tells the version.
Results go to stdout, progress and warnings to stderr. Exit status: 0; 1 when some inputs failed (the results of
the others are there); 2 for wrong usage."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Python has None for a stream that came closed, and what is printed to that goes to another one.
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    try:
        status = _run(arguments)
        sys.stdout.flush()  # or a closed pipe would only show when the interpreter ends
        return status
    except KeyboardInterrupt:
        print("texthawk: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered must go somewhere
        return BROKEN_PIPE


def _run(arguments: list[str]) -> int:
    if not arguments:
        print(USAGE, file=sys.stderr)
        return WRONG_USAGE
    verb, rest = arguments[0], arguments[1:]
    if verb in ("-h", "--help", "help"):
        print(USAGE)
        return OK
    if verb in ("-V", "--version"):
        from texthawk import __version__

        print(f"texthawk {__version__}")
        return OK
    if verb not in VERBS:
        kind, known = ("option", OPTIONS) if verb.startswith("-") else ("verb", tuple(VERBS))
        nearest = get_close_matches(verb, known, n=1, cutoff=0.0)[0]
        print(f"texthawk: {kind} {verb!r} is unknown; nearest: {nearest} (texthawk --help lists all)", file=sys.stderr)
        return WRONG_USAGE
    try:
        return import_module(f"texthawk.cli.{verb}").main(rest)
    except SystemExit as stop:  # argparse ends this way after --help and for wrong usage
        if isinstance(stop.code, str):
            print(f"texthawk {verb}: {stop.code}", file=sys.stderr)
            return WRONG_USAGE
        return stop.code or OK
    except BrokenPipeError:
        raise
    except _failures() as error:
        reason = _reason(error)
        if reason is None:
            raise
        print(f"texthawk {verb}: {reason}", file=sys.stderr)
        return SOME_FAILED


def _failures() -> tuple[type[BaseException], ...]:
    """What the machine can do to any verb; those of packages that nobody has imported cannot have been raised."""
    safetensors = sys.modules.get("safetensors")
    damaged = () if safetensors is None else (safetensors.SafetensorError,)
    return (OSError, MemoryError, RuntimeError, ModuleNotFoundError, *damaged)


def _reason(error: BaseException) -> str | None:
    """One line for a person; None for what only a bug can cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(said):
        return f"out of memory; read fewer or smaller pages at once, or use a smaller model ({said})"
    if re.search(r"size mismatch|ignore_mismatched_sizes", str(error)):
        return f"the weights do not fit the config beside them; save or copy the model again ({said})"
    if isinstance(error, ModuleNotFoundError):
        return f"a package is missing: {said}; install texthawk with its extras: pip install 'texthawk[eval,train]'"
    if isinstance(error, OSError):
        return said
    if type(error).__name__ == "SafetensorError":
        return f"the weights are damaged; save or copy the model again ({said})"
    return None
