"""The shape of the house: who imports whom, which way rows point, what stays private."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "transferase"
FLOORS = [{"foundation"}, {"directory"}, {"catalogue"}, {"matching"}, {"interchange"}]
FLOOR = {app: level for level, floor in enumerate(FLOORS) for app in floor}
APPS = [app for floor in FLOORS for app in sorted(floor)]
DOORS = ("web", "api")
FACES = {"models", "rules", "queries", "services", "tasks", "receivers"}


def modules(*folders: str):
    for folder in folders or ("",):
        for path in sorted((SOURCE / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_contracts_of_imports_are_kept(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    from importlinter.cli import lint_imports

    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_the_contract_lists_the_apps_that_exist():
    ours = {config.name.split(".")[1] for config in apps.get_app_configs() if config.name.startswith("transferase.")}
    assert ours - {"web"} == set(FLOOR)


def test_keys_point_down():
    """Import contracts cannot see keys that are named by strings."""
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model
        for here, there in [(model._meta.app_label, field.related_model._meta.app_label)]
        if here in FLOOR and here != there and FLOOR.get(there, -1) >= FLOOR[here]
    ]
    assert upward == []


def test_private_modules_stay_in_their_app():
    leaks = []
    for path, tree in modules():
        home = path.relative_to(SOURCE).parts[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("transferase."):
                _, app, *rest = node.module.split(".")
                if app != home and any(name.startswith("_") for name in [*rest, *(a.name for a in node.names)]):
                    leaks.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert leaks == []


def test_an_app_shows_its_five_faces_only():
    """Doors and higher floors reach an app through its faces; every other module begins with an underscore."""
    others = [
        f"{app}/{path.name}"
        for app in APPS
        if app != "foundation"
        for path in (SOURCE / app).iterdir()
        if path.suffix == ".py" or path.is_dir()
        if not path.name.startswith(("_", "."))
        and path.stem not in FACES | {"apps", "migrations", "vocabularies", "templates"}
    ]
    assert others == []


def test_doors_do_not_pass_over_services():
    """Web and API read rows through `visible_to` and write none; choosing rows otherwise belongs to the apps."""
    found = []
    for path, _ in modules(*DOORS):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            told = line.split("#")[0]
            if ".objects." in told and ".objects.visible_to(" not in told and ".objects.in_force(" not in told:
                found.append(f"{path.relative_to(SOURCE)}:{number} {line.strip()}")
    assert found == []


def test_modules_are_chapters():
    long = {
        str(path.relative_to(SOURCE)): count
        for path, _ in modules()
        if (count := sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert long == {}


@pytest.mark.parametrize("word", ["manager", "helper", "util", "utils", "handler", "processor", "misc", "common"])
def test_no_module_has_a_name_that_says_nothing(word):
    named = [str(path.relative_to(SOURCE)) for path, _ in modules() if word in path.stem.strip("_").split("_")]
    assert named == []


def test_no_unfinished_marks():
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("src", "tests", "benchmarks", "tools")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if any(mark in line.split() or f"{mark}:" in line for mark in marks)
    ]
    assert found == []
