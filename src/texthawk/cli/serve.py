"""texthawk serve: an OpenAI-compatible endpoint, documents to upload, and a web page."""

import argparse
import os
import sys
from pathlib import Path

KEY_VARIABLE = "TEXTHAWK_API_KEY"


def main(argv: list[str]) -> int:
    """0 after a signal; 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _serve(arguments)
    except ValueError as error:
        print(f"texthawk serve: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="texthawk serve",
        description=__doc__,
        epilog=f"An API key is taken from the variable {KEY_VARIABLE} or from --api-key-file; without one, everybody "
        "who can reach the address may use the server.",
    )
    made.add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
    made.add_argument("--name", help="of the model, as clients ask for it (default: nano, or the folder's name)")
    made.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine alone)")
    made.add_argument("--port", type=_port, default=8000, help="0 takes a free one (default: 8000)")
    made.add_argument("--device", help="cpu or cuda (default: what the machine has)")
    made.add_argument("--api-key-file", type=Path, metavar="FILE", help="holds the key that clients must send")
    made.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="where browsers find the page, if by a name or through a proxy: https://read.example.org (may be repeated)",
    )
    made.add_argument(
        "--max-batch",
        type=_count,
        metavar="N",
        help="answers generated together (default: 16), by each of nano's two models",
    )
    made.add_argument("--queue", type=_count, metavar="N", help="requests that may wait (default: 64)")
    made.add_argument(
        "--cache-tokens",
        type=_count,
        metavar="N",
        help="bound on the tokens of all answers together, of each of nano's two models",
    )
    made.add_argument("--max-tokens", type=_count, metavar="N", help="of an answer (default: 1024)")
    made.add_argument("--max-upload", type=_count, metavar="BYTES", help="of a request (default: 64 MiB)")
    made.add_argument("--max-pixels", type=_count, metavar="N", help="of a picture (default: 100 million)")
    made.add_argument("--max-pages", type=_count, metavar="N", help="of a document (default: 1000)")
    made.add_argument("--document-workers", type=_count, metavar="N", help="documents read at a time (default: 2)")
    made.add_argument("--document-queue", type=_count, metavar="N", help="documents that may wait (default: 16)")
    made.add_argument("--document-seconds", type=_seconds, metavar="S", help="a result is kept (default: 3600)")
    made.add_argument(
        "--header-seconds", type=_seconds, metavar="S", help="a client has to say what it wants (default: 20)"
    )
    made.add_argument("--body-seconds", type=_seconds, metavar="S", help="a request has to arrive (default: 60)")
    made.add_argument(
        "--answer-seconds", type=_seconds, metavar="S", help="a client may leave its answer (default: 60)"
    )
    made.add_argument("--shutdown-seconds", type=_seconds, metavar="S", help="to finish what runs (default: 60)")
    made.add_argument(
        "--remote-images",
        action="store_true",
        help="fetch images from public http and https addresses (default: never)",
    )
    made.add_argument(
        "--no-loop-guard", action="store_true", help="let answers of chats loop until they are as long as they may be"
    )
    made.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    return made


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from error
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below 0")
    return value


def _port(text: str) -> int:
    port = _count(text)
    if port >= 2**16:
        raise argparse.ArgumentTypeError(f"{port} is no port; the highest is {2**16 - 1}")
    return port


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from error


_SETTINGS = (
    "max_batch",
    "queue",
    "cache_tokens",
    "max_tokens",
    "max_upload",
    "max_pixels",
    "max_pages",
    "document_workers",
    "document_queue",
    "document_seconds",
    "header_seconds",
    "body_seconds",
    "answer_seconds",
    "shutdown_seconds",
)


def _serve(arguments: argparse.Namespace) -> int:
    try:
        from texthawk.serve.run import serve
        from texthawk.serve.settings import Settings
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("texthawk"):
            raise
        raise ValueError(f"{error.name} is not installed; install texthawk[serve]") from error
    given = vars(arguments)
    values = {name: given[name] for name in _SETTINGS if given[name] is not None}
    settings = Settings(
        model_name=arguments.name or Path(os.path.abspath(arguments.model)).name,
        api_key=_key(arguments.api_key_file),
        remote_images=arguments.remote_images,
        loop_guard=not arguments.no_loop_guard,
        origins=tuple(arguments.origin),
        **values,
    )
    import texthawk

    reader = texthawk.load(arguments.model, device=arguments.device)
    serve(reader, settings, host=arguments.host, port=arguments.port, log_level=arguments.log_level)
    return 0


def _key(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--api-key-file {file}: it cannot be read ({error})") from error
