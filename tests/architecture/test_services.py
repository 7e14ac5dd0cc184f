"""Services look alike: keyword-only, actor first, typed, told in a sentence, one ledger entry."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.test_house import APPS, SOURCE

CHAPTERS = [
    (app, path)
    for app in APPS
    for path in [SOURCE / app / "services.py", *sorted((SOURCE / app / "services").glob("*.py"))]
    if path.is_file()
]


def functions(path, *, decorated=False):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            is_service = any(isinstance(d, ast.Name) and d.id == "service" for d in node.decorator_list)
            if is_service or not decorated:
                yield node


def _services():
    for app, path in CHAPTERS:
        for function in functions(path, decorated=True):
            yield pytest.param(path, function, id=f"{app}.{function.name}")


SERVICES = list(_services())


@pytest.mark.parametrize(("path", "function"), SERVICES)
def test_a_service_has_an_honest_signature(path, function):
    names = [argument.arg for argument in function.args.kwonlyargs]
    assert not function.args.args, "keyword-only"
    assert names[:1] == ["actor"], "the actor comes first"
    assert function.returns is not None
    assert all(argument.annotation for argument in function.args.kwonlyargs)
    told = ast.get_docstring(function) or ""
    assert told.split("\n\n")[0].rstrip().endswith("."), "a sentence says what it promises"


def called(function):
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            target = node.func
            yield target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")


@pytest.mark.parametrize(("path", "function"), SERVICES)
def test_a_service_writes_the_ledger(path, function):
    """Itself, or through a function of its app that it calls."""
    tree = [ast.parse(p.read_text(encoding="utf-8")) for p in path.parent.rglob("*.py") if "migrations" not in p.parts]
    known = {f.name: f for t in tree for f in ast.walk(t) if isinstance(f, ast.FunctionDef)}
    todo, seen = [function.name], set()
    known[function.name] = function
    while todo:
        name = todo.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        words = set(called(known[name]))
        if "record" in words:
            return
        todo += words
    derived = (ast.get_docstring(function) or "") + (ast.get_docstring(ast.parse(path.read_text())) or "")
    assert "derived" in derived.lower(), "no entry, and nothing says that the rows are derived"


def test_services_take_the_time_instead_of_reading_a_clock():
    clocks = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for app, path in CHAPTERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "today", "utcnow"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"timezone", "datetime", "date"}
    ]
    assert clocks == []


FACES = [
    path
    for app in APPS
    if app != "foundation"
    for name in ("rules", "queries")
    for path in [SOURCE / app / f"{name}.py", *sorted((SOURCE / app / name).glob("*.py"))]
    if path.is_file()
]


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_rules_and_queries_are_typed_and_told(path):
    silent = [
        f"{path.relative_to(SOURCE)}:{function.lineno} {function.name}"
        for function in functions(path)
        if not function.returns or not ast.get_docstring(function)
    ]
    assert silent == []


ENGINE = [path for path in sorted((SOURCE / "engine").rglob("*.py")) if not path.name.startswith("_")]


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_engine_is_typed_and_told(path):
    silent = [
        f"{path.relative_to(SOURCE)}:{function.lineno} {function.name}"
        for function in functions(path)
        if not function.returns or not ast.get_docstring(function)
    ]
    assert silent == []
