"""The house rules that a machine can check: who may import whom, sizes, names, four places."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from rsviz.core.layers import LAYERS
from rsviz.io.export import WRITERS

ROOT = Path(__file__).resolve().parents[1]
CODE = sorted(
    path
    for part in ("app.py", "pages", "rsviz", "models", "sample_data", "tests")
    for path in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))
    if "__pycache__" not in path.parts
)
THERMAL = (
    "rsviz.physics.thermal",
    "rsviz.physics.thermal_bands",
    "rsviz.physics.single_band",
    "rsviz.physics.parametric",
    "rsviz.physics.atmospheres",
)
"""Formulas in plain numpy: readers turn radiance into temperature with them, and sliders answer at
once without a question to the worker."""
MAY_IMPORT = {
    "rsviz.core": ("rsviz.core",),
    "rsviz.analysis": ("rsviz.analysis", "rsviz.core"),
    "rsviz.draw": ("rsviz.draw", "rsviz.analysis", "rsviz.core"),
    "rsviz.io": ("rsviz.io", "rsviz.draw", "rsviz.analysis", *THERMAL, "rsviz.core"),
    "rsviz.physics": ("rsviz.physics", "rsviz.core"),
    "rsviz.nn": ("rsviz.nn", "rsviz.core"),
    "rsviz.synth": ("rsviz.synth", "rsviz.physics", "rsviz.core"),
    "rsviz.evaluate": (
        "rsviz.evaluate",
        "rsviz.nn",
        "rsviz.physics",
        "rsviz.io",
        "rsviz.analysis",
        "rsviz.core",
    ),
    "rsviz.jobs": (
        "rsviz.jobs",
        "rsviz.evaluate",
        "rsviz.nn",
        "rsviz.io",
        "rsviz.draw",
        "rsviz.analysis",
        "rsviz.core",
    ),
    "rsviz.views": (
        "rsviz.views",
        "rsviz.jobs",
        "rsviz.io",
        "rsviz.draw",
        "rsviz.analysis",
        *THERMAL,
        "rsviz.core",
    ),
    "pages": ("rsviz.views", "rsviz.jobs", "rsviz.io", "rsviz.core"),
    "app": ("rsviz.views", "rsviz.jobs", "rsviz.io", "rsviz.core"),
    "models": ("rsviz.nn", "rsviz.physics", "rsviz.core"),
    "sample_data": ("rsviz.synth", "rsviz.physics", "rsviz.core", "rsviz.io"),
}
ONLY_IN = {
    "streamlit": ("app", "pages", "rsviz.views"),
    "rasterio": ("rsviz.io", "sample_data"),
    "h5py": ("rsviz.io", "sample_data"),
    "scipy.io": ("rsviz.io",),
    "leafmap": ("rsviz.io",),
    "folium": ("rsviz.io",),
    "prosail": ("rsviz.synth", "sample_data"),
    "pickle": (),
    "safetensors": ("rsviz.nn.weights", "rsviz.evaluate.records"),
}
MOST_LINES = 350


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """Every imported module, with whether the import runs when the module is imported."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    late = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)) or _only_for_types(outer)
        for node in ast.walk(outer)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) not in late) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [(f"{node.module}.{a.name}", id(node) not in late) for a in node.names]
    return found


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


OURS = [path for path in CODE if not inside(name_of(path), "tests")]


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_imports_point_one_way(path):
    name = name_of(path)
    allowed = next((may for part, may in MAY_IMPORT.items() if inside(name, part)), None)
    for module, _ in imports_of(path):
        if allowed is not None and inside(module, "rsviz") and module != "rsviz.__version__":
            assert any(inside(module, part) for part in allowed), f"{name} imports {module}"
        if allowed is None:
            assert not inside(module, "rsviz.views"), f"{name} imports {module}"
        if inside(module, "models"):
            own = ".".join(name.split(".")[:2])
            assert inside(module, own) or module == "models", f"{name} imports {module}"
        for library, places in ONLY_IN.items():
            if inside(module, library):
                assert any(inside(name, p) for p in places), f"{name} imports {library}"


@pytest.mark.parametrize("path", [p for p in OURS if inside(name_of(p), "rsviz.core")], ids=name_of)
def test_core_needs_numpy_and_the_standard_library_alone(path):
    known = {*sys.stdlib_module_names, "numpy", "rsviz", "__future__"}
    assert {module.split(".")[0] for module, _ in imports_of(path)} <= known


@pytest.mark.parametrize("path", [p for p in OURS if p.name == "card.py"], ids=name_of)
def test_cards_import_core_alone(path):
    for module, _ in imports_of(path):
        first = module.split(".")[0]
        assert first in sys.stdlib_module_names or inside(module, "rsviz.core"), module


def test_importing_every_card_imports_no_torch():
    code = (
        "import sys; from rsviz.core import registry; assert registry.cards(); "
        "heavy = {'torch', 'streamlit', 'rasterio', 'h5py', 'scipy', 'sklearn', 'numba'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert out.stdout.strip() == "[]"


def test_files_are_short():
    lines = {name_of(p): len(p.read_text(encoding="utf8").splitlines()) for p in CODE}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_no_file_is_a_drawer_for_odds_and_ends():
    odd = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [name_of(p) for p in CODE if odd & set(p.relative_to(ROOT).with_suffix("").parts)] == []


def test_no_package_gives_out_the_name_of_one_of_its_modules():
    """Importing the module would put it in the place of what is given out."""
    for path in CODE:
        if path.name == "__init__.py":
            inside = {p.stem for p in path.parent.iterdir() if p.suffix in ("", ".py")}
            tree = ast.parse(path.read_text(encoding="utf8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module != name_of(path.parent):
                    assert not inside & {a.asname or a.name for a in node.names}, path


def test_test_files_have_names_of_their_own():
    names = [p.name for p in CODE if p.name.startswith("test_")]
    assert sorted({n for n in names if names.count(n) > 1}) == []


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_nothing_is_left_open_or_swallowed(path):
    text = path.read_text(encoding="utf8")
    for word in ("TODO", "FIXME", "XXX"):
        assert word not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in line {node.lineno}"
        if isinstance(node, ast.arguments) and node.kwarg is not None:
            assert node.kwarg.arg != "kwargs", "a **kwargs tunnel"
        if isinstance(node, ast.Raise):
            assert "NotImplementedError" not in ast.dump(node), f"a stub in line {node.lineno}"
        if isinstance(node, ast.Global):
            raise AssertionError(f"global {node.names} in line {node.lineno}")


def test_every_kind_of_layer_has_its_four_places():
    from rsviz.draw.paint import PAINTERS
    from rsviz.views.layers import CHARTS

    assert sorted([*PAINTERS, *CHARTS, "table"]) == sorted(LAYERS)
    assert set(WRITERS) == set(LAYERS)
    tests = "".join(p.read_text(encoding="utf8") for p in CODE if inside(name_of(p), "tests.core"))
    for cls in LAYERS.values():
        assert f"{cls.__name__}(" in tests, f"{cls.__name__} has no test"
