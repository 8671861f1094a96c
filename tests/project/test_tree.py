"""What no file of the project may hold, and how large it may grow."""

import re
import tomllib

import pytest

from tests.project.files import ROOT, modules, shown, tracked

LONGEST = 500
LARGEST = 32 * 2**20
HIDING_NAMES = re.compile(r"(^|_)(utils?|common|helpers?|misc)\.py$|_(v\d+|new|old)\.py$|^legacy_")
TEXT = {".py", ".md", ".toml", ".txt", ".sh", ".json", ".yml", ".yaml", ".cfg", ".html", ".css", ".js", ""}
HOME = re.compile(r"(?<![\w.~:/-])/(?:home|root|Users|work|workspace|mnt|media|srv)/\w")
BROAD = re.compile(r"^\s*except(\s+(Base)?Exception\b.*)?\s*:", re.MULTILINE)
VISION_LIBRARY = "torch" + "vision"

source = pytest.mark.parametrize("path", modules(), ids=shown)
texts = pytest.mark.parametrize("path", [path for path in tracked() if path.suffix in TEXT], ids=shown)


@pytest.mark.parametrize("path", [path for path in tracked() if path.suffix == ".py"], ids=shown)
def test_a_file_holds_one_idea_under_a_name_that_tells_it(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{lines} lines: cut it where one idea ends and the next begins"
    assert not HIDING_NAMES.search(path.name), "the name hides what is inside"


@source
def test_the_package_is_at_most_two_folders_deep(path):
    assert len(path.relative_to(ROOT / "src" / "texthawk").parts) <= 3


@source
def test_errors_are_caught_by_name(path):
    assert not BROAD.search(path.read_text(encoding="utf-8")), "name the errors that can be dealt with"


@source
def test_types_are_known_and_not_guessed(path):
    assert not re.search(r"\bhasattr\(", path.read_text(encoding="utf-8")), "ask for a type, not for an attribute"


@texts
def test_no_file_knows_the_machine_it_was_written_on(path):
    found = HOME.search(path.read_text(encoding="utf-8"))
    assert not found, f"the path {found[0]!r} exists on one machine only" if found else None


@source
def test_pictures_are_cut_without_a_vision_library(path):
    used = re.search(rf"^\s*(import|from)\s+{VISION_LIBRARY}\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert not used, f"{VISION_LIBRARY} is not installed; PIL and torch do"


def test_the_package_asks_for_lower_bounds_and_the_constraints_pin_exactly():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    wanted = [name for name in [*project["dependencies"], *extras] if not name.startswith("texthawk[")]
    assert [name for name in wanted if "==" in name or ">=" not in name] == []
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    assert {re.split(r"[<>=[]", name)[0].lower() for name in wanted} <= pinned
    assert VISION_LIBRARY not in pinned


def test_no_file_is_too_large_to_clone():
    assert [shown(path) for path in tracked() if path.stat().st_size > LARGEST] == []


def test_the_model_in_the_package_takes_no_more_room_than_it_may():
    sizes = {file.name: file.stat().st_size for file in (ROOT / "src" / "texthawk" / "weights" / "nano").iterdir()}
    assert "model.safetensors" in sizes and sum(sizes.values()) <= 30 * 10**6, sizes
