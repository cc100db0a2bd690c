"""What is installed: pinned requirements, the wheel and what travels in it, the commands of the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from diffbench.runs.suite import SUITE_FOLDERS

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
PYTHONS = ("3.11", "3.12", "3.13")

# ---- requirements ----------------------------------------------------------------------------------

ADDRESS = re.compile(r"https?://|git\+|file:|--(extra-)?index-url|--find-links|--trusted-host|@ ")


def lines(text: str) -> Iterator[str]:
    """Logical lines of a requirements file: continued lines joined, comments dropped."""
    for line in text.replace("\\\n", " ").splitlines():
        if (line := line.split(" #")[0].strip()) and not line.startswith("#"):
            yield line


def pinned(text: str) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a file with their hashes."""
    entries = []
    for line in lines(text):
        requirement, *hashes = line.split(" --hash=")
        entries.append((Requirement(requirement), [h.strip() for h in hashes]))
    return entries


def flaws(text: str) -> list[str]:
    """What `pip install --require-hashes` from any index would trip over."""
    found = [f"address: {line}" for line in lines(text) if ADDRESS.search(line)]
    for requirement, hashes in pinned("\n".join(x for x in lines(text) if not ADDRESS.search(x))):
        if not re.fullmatch(r"==[^*,]+", str(requirement.specifier)):
            found.append(f"not pinned: {requirement}")
        if not hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes):
            found.append(f"no hash: {requirement}")
    return found


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-rivals.txt"])
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    assert flaws(read(name)) == []


HASH = "--hash=sha256:" + 64 * "0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"numpy==2.4.6 \\\n    {HASH}\n    # via pandas\npandas==3.1.1", "no hash: pandas==3.1.1"),
        (f"numpy>=2.4 {HASH}", "not pinned: numpy>=2.4"),
        (f"numpy==2.* {HASH}", "not pinned: numpy==2.*"),
        ("numpy==2.4.6 --hash=md5:00", "no hash: numpy==2.4.6"),
        (f"--index-url some-index\nnumpy==2.4.6 {HASH}", "address: --index-url some-index"),
        (f"numpy @ file:numpy.whl {HASH}", f"address: numpy @ file:numpy.whl {HASH}"),
    ],
)
def test_a_flaw_in_the_requirements_is_noticed(text: str, said: str) -> None:
    assert flaws(text) == [said]


# Other libraries and pictures: hundreds of megabytes that no measurement of diffbench needs.
NOT_PINNED = {"autograd", "jax", "torch", "graph"}


def pins_for(python: str, name: str) -> dict[str, str]:
    """Package -> version, as a requirements file pins it for one Python."""
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    return {
        canonicalize_name(r.name): str(r.specifier).removeprefix("==")
        for r, _ in pinned(read(name))
        if r.marker is None or r.marker.evaluate(environment)
    }


@pytest.mark.parametrize("python", PYTHONS)
def test_the_heavy_rivals_go_with_what_is_pinned_already(python: str) -> None:
    first, more = pins_for(python, "requirements.txt"), pins_for(python, "requirements-rivals.txt")
    assert {
        name: (first[name], more[name]) for name in first if more.get(name, first[name]) != first[name]
    } == {}


@pytest.mark.parametrize("python", PYTHONS)
def test_the_pins_cover_what_the_project_declares(python: str) -> None:
    pins = pins_for(python, "requirements-rivals.txt") | pins_for(python, "requirements.txt")
    extras = [
        text
        for name, extra in PROJECT["optional-dependencies"].items()
        for text in extra
        if name not in NOT_PINNED
    ]
    declared = [Requirement(text) for text in [*PROJECT["dependencies"], *extras]]
    wanted = [r for r in declared if r.name != "diffbench"] + [
        Requirement(x) for name in ("requirements.in", "requirements-rivals.in") for x in lines(read(name))
    ]
    for requirement in wanted:
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin, f"{requirement.name} is not pinned for Python {python}: make requirements"
        assert requirement.specifier.contains(pin), f"{requirement} but {pin} is pinned"


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "Makefile", ".ci/run"]
    + [f"requirements{heavy}.{end}" for heavy in ("", "-rivals") for end in ("in", "txt")],
)
def test_no_index_is_named(name: str) -> None:
    """Where packages come from is the business of the machine's pip configuration."""
    found = re.findall(r"(?:https?|file)://\S+|--(?:extra-)?index-url\S*|--find-links\S*", read(name))
    assert [x for x in found if x != "--no-emit-index-url"] == []


def test_every_dependency_says_why_it_is_there() -> None:
    block = re.search(r"^dependencies = \[\n(.*?)^\]", read("pyproject.toml"), re.DOTALL | re.MULTILINE)
    assert block
    bare = [line.strip() for line in block[1].splitlines() if not re.search(r'",\s+# \S', line)]
    assert bare == []


# ---- one version, one set of commands ----------------------------------------------------------------


def test_the_version_is_the_same_everywhere() -> None:
    version = PROJECT["version"]
    assert f"\nversion: {version}\n" in read("CITATION.cff")
    newest = re.search(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert newest and newest[1] == version


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", read("Makefile"), re.MULTILINE))


def test_the_first_commands_of_the_readme_exist() -> None:
    block = re.search(r"```\w*\n(.*?)```", read("README.md"), re.DOTALL)
    assert block
    commands = [line.split("#")[0].split() for line in block[1].splitlines() if line.strip()]
    assert ["make", "bench"] in commands and ["make", "test"] in commands
    assert {words[1] for words in commands if words[0] == "make"} <= makefile_targets()


PAGES = ("README.md", "CONTRIBUTING.md", "docs/method.md", "reports/README.md", "benchmarks/README.md")


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    targets = [t.split("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", read(page)) if "://" not in t]
    assert [t for t in targets if t and not (ROOT / page).parent.joinpath(t).exists()] == []


def test_make_help_lists_every_target_that_is_for_users() -> None:
    wanted = set(
        "setup bench bench-full sample test test-all test-browser lint format clean help requirements".split()
    )
    assert wanted <= makefile_targets()
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE)) == wanted


# ---- the wheel ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built offline by the pinned hatchling."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_the_package_with_its_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "diffbench").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    here = SUITE_FOLDERS[0].relative_to(ROOT).as_posix()  # where an installed diffbench looks first
    suites = {f"{here}/{path.name}" for path in (ROOT / "benchmarks/suites").glob("*.toml")}
    assert {f"{here}/{name}.toml" for name in ("quick", "default", "full")} <= suites
    assert any(name.startswith("diffbench/report/templates/") for name in package)
    assert "diffbench/py.typed" in package
    rest = {name for name in names if not name.startswith(f"diffbench-{PROJECT['version']}.dist-info/")}
    assert rest == package | suites, "all of the package and the suites, and nothing else"


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        (scripts,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
        assert "License-Expression: MIT" in archive.read(metadata).decode()
        assert "diffbench = diffbench.cli:main" in archive.read(scripts).decode()
        assert any(n.endswith(".dist-info/licenses/LICENSE") for n in archive.namelist())


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Installs from wherever the machine's pip gets its packages, and runs both commands away from here."""
    ignored = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_HASHES"}
    environment = {k: v for k, v in os.environ.items() if k not in ignored}
    work = tmp_path / "work"
    work.mkdir()

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python, diffbench = tmp_path / "venv/bin/python", tmp_path / "venv/bin/diffbench"
    run(python, "-m", "pip", "install", "--quiet", wheel)
    assert str(tmp_path / "venv") in run(python, "-c", "import diffbench; print(diffbench.__file__)")

    assert "float32" in run(diffbench, "sweep", "sin(x)", "--at", "1", "--format", "float32")

    run(diffbench, "run", "quick", "--out", "out")
    made = {path.name for path in (work / "out").iterdir()}
    assert {"manifest.json", "sweep.parquet", "summary.csv", "REPORT.md", "index.html"} <= made
