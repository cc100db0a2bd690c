"""Bridges: the same program by autograd, JAX and PyTorch, what each lacks, and the tape beside them.

Each part that needs a library is skipped without it. The slow test installs all three and runs this.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arithmetic_bodies import BODIES as BODIES_OF_THE_CONTRACT

import diffbench as db
from diffbench.arithmetic.formats import get_format
from diffbench.arithmetic.ieee import FormatArithmetic
from diffbench.arithmetic.library import LibraryArithmetic
from diffbench.errors import MissingExtraError, RefusedError, UnknownNameError, UserError
from diffbench.methods.bridges import Bridge, bridge, bridges, get_bridge
from diffbench.problems import Problem

ROOT = Path(__file__).parent.parent
NAMES = ("autograd", "jax", "torch")
REQUIRED = os.environ.get("DIFFBENCH_REQUIRED_BRIDGES", "").split(",")


@pytest.fixture(params=NAMES)
def installed(request: pytest.FixtureRequest) -> Bridge:
    """Every bridge whose library is there."""
    found = get_bridge(request.param)
    if not found.available:
        assert found.name not in REQUIRED, f"{found.name} should be installed here"
        pytest.skip(f"needs diffbench[{found.extra}]")
    return found


# ---- without any library -----------------------------------------------------------------------------------


def test_the_bridges_are_methods() -> None:
    assert tuple(bridges()) == NAMES
    for name in NAMES:
        assert db.methods()[name].available == get_bridge(name).available
        assert db.methods()[name].rule == "none"


def test_a_mistyped_bridge_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'autograd'"):
        get_bridge("autogard")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_library_is_refused_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(package: str) -> Any:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(bridge, "import_module", lacking)
    with pytest.raises(
        MissingExtraError, match=rf"{name} needs the package '{name}': install diffbench\[{name}\]"
    ):
        get_bridge(name).differentiate(np.sin, 1.0)
    with pytest.raises(MissingExtraError):
        db.derivative(np.sin, 1.0, method=name)


def test_a_broken_library_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(package: str) -> Any:
        raise ModuleNotFoundError("No module named 'jaxlib'", name="jaxlib")

    monkeypatch.setattr(bridge, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="jaxlib"):
        get_bridge("jax").differentiate(np.sin, 1.0)


@pytest.mark.parametrize(
    ("name", "fmt"), [("autograd", "bfloat16"), ("jax", "longdouble"), ("torch", "longdouble")]
)
def test_a_format_that_a_library_has_not_is_refused(name: str, fmt: str) -> None:
    with pytest.raises(RefusedError, match=f"{name} has no {fmt}: use one of float16"):
        get_bridge(name).differentiate(np.sin, 1.0, format=fmt)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": float("inf")}, "not a finite number"),
        ({"x": 1e6, "format": "float16"}, "not a finite number of float16"),
        ({"x": 1.0, "derivative": 0}, "must be 1 or more"),
        ({"x": 1.0, "derivative": 1.5}, "must be 1 or more"),
        ({"x": 1.0, "format": "float15"}, "did you mean"),
    ],
)
def test_bad_requests_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        get_bridge("autograd").differentiate(np.sin, **given)


class Sheet:
    """The array type of a made-up library, which NumPy must never see."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.ndim = self.values.shape, self.values.ndim

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("NumPy looked into an array of the library")

    def __getitem__(self, key: Any) -> Sheet:
        return Sheet(self.values[key])

    def __pow__(self, exponent: Any) -> Sheet:
        return Sheet(self.values**exponent)


class SheetArithmetic(LibraryArithmetic):
    """A library that is NumPy on its own arrays, lacks ``tan``, and leaves the format in ``sinh``."""

    library = "Sheets"

    def lift(self, array: np.ndarray[Any, Any]) -> Sheet:
        return Sheet(array)

    def plain(self, raw: Sheet) -> np.ndarray[Any, Any]:
        return raw.values

    def owns(self, value: Any) -> bool:
        return isinstance(value, Sheet)

    def dtype_name(self, raw: Sheet) -> str:
        return raw.values.dtype.name

    def function(self, name: str) -> Callable[..., Any] | None:
        if name == "tan":
            return None

        def opened(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(map(opened, value))
            return value.values if isinstance(value, Sheet) else value

        def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(np, name)(*map(opened, args), **{k: opened(v) for k, v in kwargs.items()})
            if name == "sinh":
                result = result.astype(np.float64)
            return list(map(Sheet, result)) if isinstance(result, list) else Sheet(result)

        return call


PROGRAMS: list[Callable[[Any], Any]] = [
    lambda x: 0.1 * x**2 + np.pi * x - np.sqrt(2),
    lambda x: np.exp(-np.square(x)) / (1 + np.abs(x)),
    lambda x: np.where(x > 0.5, x, np.float64(0.1) * x),
    lambda x: np.clip(x, 0.25, None) + np.maximum(x, 0.5) + np.minimum(1, x),
    lambda x: np.select([x < 0.5, x < 1], [x, x**2], default=0.3),
    lambda x: np.polyval([1.0, -0.5, 0.1], x),
    lambda x: np.sinc(x - 0.5),
    lambda x: np.stack([x, x * x])[1] + np.concatenate([x[1:], x[:1]]),
    lambda x: np.array([x[0] ** 2, x[1], x[2] * 2.0, 1.0])[:3],
    lambda x: x.reshape(3, 1).sum(axis=1) + x.T + np.zeros_like(x) + np.full_like(x, 0.1),
    lambda x: x + np.sum(x) + x.mean() + np.max(x) + np.add.reduce(x) + x.min() + np.prod(x),
    lambda x: np.dot(np.array([[1.0, 2.0, 3.0]] * 3), x) + np.array([[0.1] * 3] * 3) @ x,
    lambda x: np.split(x, 3)[1] + np.copy(x) + len(x) + np.shape(x)[0] + x.size,
    lambda x: 1.0,
]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("fmt", ["float32", "float64"])
def test_a_program_reaches_the_library_in_its_format(program: Callable[[Any], Any], fmt: str) -> None:
    """Values as plain NumPy would give them in float64; in float32 nothing leaves the format."""
    points = np.array([0.25, 0.75, 1.25])
    arithmetic = SheetArithmetic(get_format(fmt))
    found = arithmetic.program(program)(arithmetic.lift(points.astype(fmt)))
    assert arithmetic.holds(found)
    np.testing.assert_allclose(found.values, program(points), rtol=4 * get_format(fmt).eps)


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (np.tan, r"Sheets \(float32\) cannot run np.tan: Sheets has no such function"),
    (np.sinh, r"np.sinh \(its result is float64\): Sheets leaves the format"),
    (lambda x: np.linalg.norm(x), "np.linalg.norm"),
    (lambda x: np.round(x), "np.round"),
    (lambda x: np.sum(x, dtype=np.float64), "dtype="),
    (lambda x: np.piecewise(x, [x > 0], [1.0, 2.0]), "np.piecewise: use np.where"),
    (lambda x: np.where(x), "np.where with one argument"),
    (lambda x: np.take(x, [0, 1, 2], mode="clip"), r"np.take with these arguments .*'mode'"),
    (lambda x: np.add.accumulate(x), "np.add.accumulate"),
    (lambda x: x.astype(float), ".astype"),
    (lambda x: float(x[0]), r"float\(\)"),
    (lambda x: x if x > 0 else -x, "if"),
    (lambda x: np.exp(x) + 1j, "complex"),
    (lambda x: np.reshape(x, (7, 7)), "np.reshape: Sheets says: ValueError: cannot reshape"),
    (lambda x: x[7], r"x\[...\]: Sheets says: IndexError"),
    (lambda x: np.array([1.0, 2.0, 3.0]), "returned a plain NumPy array"),
]


@pytest.mark.parametrize(("program", "said"), REFUSED)
def test_what_a_library_cannot_run_is_refused_by_name(program: Callable[[Any], Any], said: str) -> None:
    arithmetic = SheetArithmetic(get_format("float32"))
    with pytest.raises(RefusedError, match=said):
        arithmetic.program(program)(arithmetic.lift(np.float32([0.25, 0.75, 1.25])))


def test_assignment_is_refused() -> None:
    def program(x: Any) -> Any:
        x[0] = 1.0
        return x

    arithmetic = SheetArithmetic(get_format("float32"))
    with pytest.raises(RefusedError, match="= value: build the result instead"):
        arithmetic.program(program)(arithmetic.lift(np.float32([0.25, 0.75])))


def test_a_result_of_another_shape_is_refused() -> None:
    arithmetic = SheetArithmetic(get_format("float64"))
    with pytest.raises(UserError, match=r"shape \(2, 2\) for x of shape \(2,\)"):
        arithmetic.program(lambda x: np.outer(x, x))(arithmetic.lift(np.array([0.25, 0.75])))


# ---- with a library ----------------------------------------------------------------------------------------


def composite(x: Any) -> Any:
    return np.exp(x**2) ** 2


def test_the_textbook_s_number(installed: Bridge) -> None:
    found = installed.differentiate(composite, 0.5)
    assert found.value == 1.648721270700128
    assert found.derivative == 3.297442541400256


def test_every_format_of_the_library(installed: Bridge) -> None:
    """Value and derivative in the format, with the errors of a program of five operations."""
    for name in installed.formats:
        fmt = get_format(name)
        found = installed.differentiate(composite, 0.5, format=name)
        assert found.value.dtype == found.derivative.dtype == fmt.dtype
        assert abs(float(found.value) - np.exp(0.5)) <= 8 * fmt.u * 2
        assert abs(float(found.derivative) - 2 * np.exp(0.5)) <= 16 * max(fmt.u, 2**-53) * 4


def test_arrays_gradients_and_higher_derivatives(installed: Bridge) -> None:
    points = np.array([0.25, 0.5, 1.0])
    np.testing.assert_allclose(installed.differentiate(np.log, points).derivative, 1 / points, rtol=1e-15)
    third = installed.differentiate(np.log, points, derivative=3).derivative
    np.testing.assert_allclose(third, 2 / points**3, rtol=1e-14)
    gradient = installed.differentiate(lambda x: np.sum(x**2) * x[0], np.array([3.0, 4.0]))
    assert gradient.value == 75.0
    assert gradient.derivative.tolist() == [43.0, 24.0]
    with pytest.raises(UserError, match="element by element"):
        installed.differentiate(lambda x: np.sum(x**3), points, derivative=2)


def test_a_constant_has_the_derivative_zero(installed: Bridge) -> None:
    assert installed.differentiate(lambda x: 3.0, np.array([1.0, 2.0])).derivative.tolist() == [0.0, 0.0]
    assert installed.differentiate(lambda x: 3.0 + 0 * x, 1.0, derivative=2).derivative == 0


BODIES: list[Callable[[Any], Any]] = [
    lambda x: np.sin(x) * np.cos(x) - np.tan(x / 4) + np.arctan2(x, 2.0),
    lambda x: np.log1p(x) + np.expm1(-x) + np.sqrt(x) + np.tanh(x) + np.log2(x) + np.exp2(x),
    lambda x: np.where(x > 1, x**3, np.maximum(x, 0.1) ** 0.5) + np.hypot(x, 1.0) + np.logaddexp(x, -x),
    lambda x: np.clip(x, 0.3, 1.1) * np.abs(x - 0.6) + np.polyval([0.5, -1.0, 0.1], x) + np.sinc(x),
    lambda x: np.stack([x, x**2, np.exp(x)]).sum(axis=0) + np.concatenate([x, x]).reshape(2, -1)[1],
    lambda x: np.dot(np.array([[1.0, 2.0], [0.5, -1.0]]), np.stack([x, x * x])).sum(axis=0),
    lambda x: np.array([x[0] ** 2, x[1], x[2] * 2.0, x[3] / 3.0]),
    lambda x: (
        np.select([x < 0.5, x < 1], [x, x**2], default=0.0) + np.transpose(x) + x.mean() * np.ones_like(x)
    ),
]


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_programs_as_people_write_them(number: int, installed: Bridge) -> None:
    """Value and derivative as the tape gives them, within some ulps of the largest intermediate."""
    points = np.array([0.25, 0.7, 1.05, 1.6])
    tape = db.grad(lambda x: np.sum(BODIES[number](x)))(points)
    found = installed.differentiate(BODIES[number], points)
    np.testing.assert_allclose(found.derivative, tape, rtol=2e-15, atol=2e-15)
    np.testing.assert_allclose(found.value, BODIES[number](points), rtol=2e-15, atol=2e-15)


# Bodies of the arithmetics' contract that no library runs, and those that one of them lacks. All others must
# come out right.
NOT_IN_LIBRARIES = {"piecewise", "assign element by element", "assign by mask", "assign a slice"}
NOT_IN = {
    "autograd": {
        "np.cbrt",
        "np.positive",
        "heaviside",
        "fmod",
        "copysign",
        "roll flip tile",
    }
    | {"special.log_expit", "special.jv"},
    "jax": {f"special.{name}" for name in ("rgamma", "log_expit", "j0", "j1", "jv")},
    "torch": {"np.cbrt", "heaviside", "floor_divide"}
    | {f"special.{name}" for name in ("gamma", "rgamma", "log_expit", "j0", "j1", "jv")},
}
# PyTorch's derivative of digamma has ten digits.
LOOSE = {("torch", "special.psi"): 1e-9}


def test_the_bodies_of_the_contract(installed: Bridge) -> None:
    """Values as in float64, gradients as on the tape; only what is known to be lacking is refused."""
    refused = set()
    for name, body in BODIES_OF_THE_CONTRACT.items():
        if name == "np.float_power":  # the formats refuse it: nothing to compare with
            continue
        points = np.array(body.points[0] if body.shape == "scalar" else body.points)
        try:
            found = installed.differentiate(body.function, points)
        except RefusedError:
            refused.add(name)
            continue
        with np.errstate(all="ignore"):
            value = FormatArithmetic(get_format("float64")).evaluate(body.function, points)
            gradient = db.grad(lambda x, f=body.function: np.sum(f(x)), finite=False)(points)
        rtol = LOOSE.get((installed.name, name), 1e-13)
        np.testing.assert_allclose(
            np.broadcast_to(found.value, value.shape), value, 1e-14, 1e-15, err_msg=name
        )
        np.testing.assert_allclose(found.derivative, gradient, rtol, 1e-14, err_msg=name)
    assert refused == NOT_IN_LIBRARIES | NOT_IN[installed.name]


# what each library lacks or leaves the format in, and what is said about it
LACKS = [
    ("autograd", np.cbrt, "float64", "np.cbrt: autograd says: NotImplementedError: VJP of cbrt"),
    ("autograd", np.exp2, "float32", "derivative of float64 for float32|leaves the format"),
    ("jax", lambda x: np.matmul(x[:, None], x), "float64", "np.matmul: JAX says: "),
    ("torch", np.cbrt, "float64", "np.cbrt: PyTorch has no such function"),
    ("torch", lambda x: x[::-1], "float64", r"x\[...\]: PyTorch says: ValueError: step must be greater"),
    ("torch", lambda x: np.heaviside(x, 0.5), "float64", "the derivative: PyTorch says: .*heaviside"),
]


@pytest.mark.parametrize(("name", "program", "fmt", "said"), LACKS)
def test_what_a_library_lacks_is_said(name: str, program: Any, fmt: str, said: str) -> None:
    if not get_bridge(name).available:
        pytest.skip(f"needs diffbench[{name}]")
    with pytest.raises(RefusedError, match=said):
        get_bridge(name).differentiate(program, np.array([0.25, 0.5]), format=fmt)


@pytest.mark.parametrize(("name", "slope"), [("autograd", 0.0), ("jax", 1.0), ("torch", 0.0)])
def test_conventions_at_a_kink_are_the_library_s_own(name: str, slope: float) -> None:
    """abs'(0) is 0 on the tape and in two libraries, 1 in JAX: nothing is corrected on the way."""
    if not get_bridge(name).available:
        pytest.skip(f"needs diffbench[{name}]")
    assert get_bridge(name).differentiate(np.abs, 0.0).derivative == slope


def test_jax_keeps_the_caller_s_setting() -> None:
    jax = pytest.importorskip("jax", reason="needs diffbench[jax]")
    before = jax.config.jax_enable_x64
    assert get_bridge("jax").differentiate(np.sin, 1.0).derivative.dtype == np.float64
    with pytest.raises(RefusedError):
        get_bridge("jax").differentiate(np.round, 1.0)
    assert jax.config.jax_enable_x64 == before
    assert get_bridge("jax").differentiate(np.sin, 1.0, format="float32").derivative.dtype == np.float32


# ---- the tape beside the libraries -------------------------------------------------------------------------

FEW = 8  # ulps of the larger of two derivatives, within which they count as equal


def catalogue() -> list[tuple[Problem, float]]:
    """Problems with a certified derivative in float64, at their points."""
    return [
        (problem, float(point))
        for problem in db.problems().values()
        for point in problem.points
        if not problem.opaque
        and "float64" in (problem.formats or ("float64",))
        and not problem.stated.get(float(point))
    ]


def test_the_tape_agrees_or_is_the_one_that_is_right(installed: Bridge) -> None:
    """Within a few u of each other on almost all of the catalogue; elsewhere the tape is closer."""
    u, equal, apart, refused = 2.0**-53, 0, [], []
    for problem, point in catalogue():
        ours = db.derivative(problem.function, point, method="reverse")
        try:
            theirs = db.derivative(problem.function, point, method=installed.name)
        except RefusedError:
            refused.append(problem.name)
            continue
        a, b = float(ours.value), float(theirs.value)
        if abs(a - b) <= FEW * u * max(abs(a), abs(b)):
            equal += 1
            continue
        truth = db.reference(problem.function, point).value
        if np.isnan(float(truth)):  # at a kink there is no right answer, but conventions
            assert (problem.name, installed.name) == ("absolute_value", "jax")
            continue
        apart.append((problem.name, point, a, b))
        assert abs(truth - a) <= abs(truth - b), (
            f"the tape is further from {truth} than {installed.name}: {apart[-1]}"
        )
    assert equal >= 90 and len(apart) <= 6, apart
    assert set(refused) <= {"unit_step", "bessel_j0", "bessel_j1_at_zero", "gamma"}, refused


# ---- installation ------------------------------------------------------------------------------------------


def has_cuda(report: str) -> bool:
    """Whether what pip says it would install is a build of PyTorch with its gigabytes of CUDA libraries."""
    names = {entry["metadata"]["name"].lower() for entry in json.loads(report)["install"]}
    assert "torch" in names, names
    return any(name == "triton" or name.startswith(("nvidia-", "cuda-")) for name in names)


def cpu_versions(said: str) -> list[str]:
    """The versions with the local label `+cpu` in what `pip index versions torch` prints, newest first."""
    return re.findall(r"\d+(?:\.\d+)+\+cpu", said)


@pytest.mark.parametrize(
    ("names", "cuda"),
    [
        (["torch", "sympy", "filelock"], False),
        (["torch", "nvidia-cublas", "triton"], True),
        (["torch", "triton"], True),
        (["torch", "cuda-bindings"], True),
    ],
)
def test_a_build_with_cuda_is_told_from_one_without(names: list[str], cuda: bool) -> None:
    report = {"install": [{"metadata": {"name": name}} for name in names]}
    assert has_cuda(json.dumps(report)) == cuda


def test_versions_for_the_cpu_are_found() -> None:
    said = "torch (2.15.0)\nAvailable versions: 2.15.0, 2.14.0+cu130, 2.13.0+cpu, 2.13.0, 2.12.1+cpu"
    assert cpu_versions(said) == ["2.13.0+cpu", "2.12.1+cpu"]


Pip = Callable[..., subprocess.CompletedProcess[str]]


def torch_for_the_cpu(wanted: str, pip: Pip) -> str | None:
    """The requirement by which the machine's own pip gets PyTorch without CUDA; None if there is none.

    No index is named. On macOS and Windows the plain requirement is the CPU build; on Linux the public index
    has CUDA builds only, and a machine that has the CPU build lists versions with the label `+cpu`.
    """
    listed = cpu_versions(pip("index", "versions", "torch").stdout)
    for requirement in [f"torch=={version}" for version in listed[:1]] + [wanted]:
        done = pip("install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-", requirement)
        if done.returncode == 0 and not has_cuda(done.stdout):
            return requirement
    return None


@pytest.mark.slow
@pytest.mark.parametrize("names", [("autograd", "jax"), ("torch",)], ids=", ".join)
def test_the_libraries_install_and_run(names: tuple[str, ...], tmp_path: Path) -> None:
    """Installs the extras' packages beside this environment, and runs this file there, none of it skipped."""
    ignored = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_HASHES"}
    environment = {k: v for k, v in os.environ.items() if k not in ignored}
    environment["DIFFBENCH_REQUIRED_BRIDGES"] = ",".join(names)

    def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)

    def run(*command: str | Path) -> str:
        done = call(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    (site,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    # what is installed here is there too: only the libraries are new
    here = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "outer.pth").write_text("\n".join([*here, str(ROOT)]) + "\n", encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [r for name in names for r in extras["project"]["optional-dependencies"][name]]
    if names == ("torch",):
        found = torch_for_the_cpu(wanted[0], lambda *words: call(python, "-m", "pip", *words))
        if found is None:
            pytest.skip("PyTorch was not installed: pip finds it with CUDA libraries only, or not at all")
        wanted = [found]
    run(python, "-m", "pip", "install", "--quiet", *wanted)
    said = run(
        python, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "tests/test_bridges.py"
    )
    assert "passed" in said
