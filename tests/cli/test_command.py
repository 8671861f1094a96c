"""The command line: verbs, exit statuses, what goes to stdout and what to stderr."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import termios

import pytest
from PIL import Image
from transformers import AutoConfig

import texthawk
from texthawk.cli import VERBS, main, plan

SCRIPT = "import sys; from texthawk.cli import main; sys.exit(main())"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HF_HUB_OFFLINE": "1"}


def command(*arguments, script=SCRIPT, **settings):
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], env=ENVIRONMENT, preexec_fn=interruptible, **settings
    )


def interruptible():
    """A shell starts background jobs deaf to interrupts, and a child of one inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*arguments, script=SCRIPT):
    process = command(*arguments, script=script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([verb, "--help"] for verb in ("read", "plan"))])
def test_help_and_version_answer_at_once_and_import_nothing_heavy(arguments):
    script = (
        "import sys\nfrom texthawk.cli import main\nstatus = main()\n"
        "heavy = {'torch', 'transformers', 'numpy', 'PIL', 'pypdfium2', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        status, out, err = run(*arguments, script=script)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert (status, err) == (0, "")
        assert "texthawk" in out
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(seconds) < 0.3


def test_importing_the_package_imports_nothing_heavy():
    script = "import sys, texthawk\nassert not {'torch', 'transformers', 'numpy', 'PIL'} & set(sys.modules)"
    assert run(script=script) == (0, "", "")


def test_the_packages_names_come_from_their_rooms_and_register_may_be_called_again():
    from texthawk import TextHawkConfig, TextHawkForConditionalGeneration, TextHawkImageProcessor, TextHawkProcessor

    texthawk.register()
    texthawk.register()
    assert type(AutoConfig.for_model("texthawk")) is TextHawkConfig is texthawk.TextHawkConfig
    assert TextHawkForConditionalGeneration.config_class is TextHawkConfig
    assert {TextHawkImageProcessor.__name__, TextHawkProcessor.__name__} <= set(dir(texthawk))


def test_a_name_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'raed'"):
        _ = texthawk.raed
    assert {"load", "read", "register", "Reader", "TextHawkConfig"} <= set(dir(texthawk))


def test_help_lists_every_verb(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr()
    assert all(f"\n  {verb} " in printed.out for verb in VERBS)
    assert printed.err == ""


def test_a_command_without_a_verb_is_wrong_usage(capsys):
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "usage" in printed.err


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("raed", "read"), ("Plan", "plan"), ("trian", "train"), ("--versoin", "--version")]
)
def test_an_unknown_verb_is_wrong_usage_and_the_nearest_is_named(capsys, wrong, nearest):
    assert main([wrong, "page.png"]) == 2
    assert f"{wrong!r} is unknown; nearest: {nearest} " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["read"], "FILE"),
        (["read", "a.png", "--pages", "5-3"], "write 3-5"),
        (["read", "a.png", "--dpi", "0"], "0 is not above 0"),
        (["read", "a.png", "--max-pixels", "many"], "no whole number"),
        (["read", "a.png", "--format", "word"], "invalid choice"),
        (["plan", "a.png", "--pages", "x"], "write for example 1-3,7"),
        (["plan", "a.png", "--model", "nowhere"], "nor a folder"),
    ],
)
def test_wrong_usage_has_status_2_and_says_why(capsys, arguments, reason):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and reason in printed.err


def test_a_closed_pipe_ends_the_command_quietly():
    readable, writable = os.pipe()
    os.close(readable)
    process = command("--help", stdout=writable, stderr=subprocess.PIPE, text=True)
    os.close(writable)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


def unread(pipe: int) -> int:
    """Bytes in a pipe that nobody has taken yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_an_interrupt_ends_the_command_with_130_and_without_a_traceback(tmp_path):
    pipe = tmp_path / "never-written"
    os.mkfifo(pipe)
    process = command("read", str(pipe), stderr=subprocess.PIPE, text=True)
    writer = None
    while writer is None and process.poll() is None:
        try:
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)  # fails until the command waits at the other end
        except OSError:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.02)
    os.write(writer, b"?")
    while unread(writer):  # once it has taken this it waits for more, where an interrupt always reaches it
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "texthawk: interrupted\n")
    os.close(writer)


@pytest.mark.parametrize("closed", [1, 2])
def test_a_stream_that_came_closed_is_no_error_and_nothing_goes_to_another_one(tmp_path, closed):
    shell = [
        "sh",
        "-c",
        f'exec "$@" {closed}>&-',
        "sh",
        sys.executable,
        "-c",
        SCRIPT,
        "read",
        str(tmp_path / "gone.png"),
    ]
    ended = subprocess.run(shell, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 2 - closed)


def test_files_that_cannot_be_read_are_listed(tmp_path, capsys):
    (tmp_path / "text.png").write_text("Dear Sir")
    names = [str(tmp_path / name) for name in ("gone.png", "text.png")]
    assert main(["read", *names]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line.split(": ")[:2] for line in printed.err.splitlines()] == [["texthawk", name] for name in names]


def test_json_lists_the_errors_of_files_that_cannot_be_read(tmp_path, capsys):
    assert main(["read", str(tmp_path / "gone.png"), "--format", "json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["texthawk"] == texthawk.__version__
    (document,) = record["documents"]
    assert document["source"] == str(tmp_path / "gone.png") and document["pages"] == []
    assert document["errors"][0]["page"] is None and "no such file" in document["errors"][0]["message"]


def test_an_output_folder_that_cannot_be_is_wrong_usage(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert main(["read", "page.png", "--out", str(tmp_path / "taken")]) == 2
    assert "choose another" in capsys.readouterr().err


def test_plan_prints_each_page_and_what_it_costs(tmp_path, capsys):
    Image.new("RGB", (1240, 1754)).save(tmp_path / "a4.png")
    Image.new("RGB", (448, 224)).save(tmp_path / "two.tiff", save_all=True, append_images=[Image.new("L", (30, 30))])
    files = [str(tmp_path / name) for name in ("a4.png", "gone.pdf", "two.tiff")]
    assert main(["plan", *files, "--json"]) == 1
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    a4, first, second = record["plans"]
    assert (a4["width"], a4["height"], a4["rows"], a4["columns"]) == (1240, 1754, 7, 5)
    assert a4["pixel_bytes"] == a4["tiles"] * 3 * 224 * 224 * 4
    assert a4["visual_tokens"] == a4["tiles"] * 16 == a4["tokens"] - 2
    assert a4["flops"] > first["flops"] > second["flops"] > 0
    assert (second["page"], second["rows"], second["columns"], second["tiles"]) == (2, 1, 1, 1)
    assert record["errors"][0]["source"] == files[1]
    assert "no such file" in printed.err


def test_plan_keeps_a_budget_and_prints_a_table(tmp_path, capsys):
    Image.new("RGB", (1240, 1754)).save(tmp_path / "a4.png")
    assert main(["plan", str(tmp_path / "a4.png"), "--max-visual-tokens", "100"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert [header.index(name) for name in plan.COLUMNS] == sorted(header.index(name) for name in plan.COLUMNS)
    assert int(row.split()[6]) <= 100
    assert len(header) == len(row)
    assert main(["plan", str(tmp_path / "a4.png"), "--max-visual-tokens", "3"]) == 1
    assert "allow at least 16" in capsys.readouterr().err
