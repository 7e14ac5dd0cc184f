"""Migrations match models, and the reference names every command, setting, permission and ledger action."""

from __future__ import annotations

import ast
import re

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

from tests.architecture.test_house import ROOT, SOURCE, modules
from transferase.directory.rules import Permission

REFERENCE = ROOT / "docs" / "reference"
# Derived tables may be distributed over several servers one day.
DERIVED = ("ListingIndex", "Sentence", "TermFrequency", "LanguageMean", "Match", "ListingDay")


def told() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md")))


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", "--skip-checks", verbosity=0)


@pytest.mark.parametrize("name", DERIVED)
def test_derived_tables_have_keys_of_their_own_and_no_constraint_on_others(name):
    model = apps.get_model("matching", name)
    assert isinstance(model._meta.pk, models.CompositePrimaryKey)
    assert [f.name for f in model._meta.local_fields if isinstance(f, models.AutoField)] == []
    bound = [f.name for f in model._meta.local_fields if f.is_relation and f.db_constraint]
    assert bound == []
    assert [c for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)] == []


def test_every_permission_is_in_the_reference():
    text = told()
    assert [str(permission) for permission in Permission if f"`{permission}`" not in text] == []


def settings_read() -> set[str]:
    names = set()
    for _, tree in modules():
        for node in ast.walk(tree):
            keys = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                keys = node.args[:1]
            elif isinstance(node, ast.Subscript):
                keys = [node.slice]
            else:
                continue
            owner = ast.unparse(node.func.value if isinstance(node, ast.Call) else node.value)
            if owner.rsplit(".", 1)[-1] in {"environ", "environment"}:
                names |= {k.value for k in keys if isinstance(k, ast.Constant) and isinstance(k.value, str)}
    return names


# What the system gives, not what an operator chooses for the platform.
OF_THE_SYSTEM = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "DJANGO_SETTINGS_MODULE", "COLUMNS"}


def test_every_setting_is_in_the_reference():
    text = told()
    assert sorted(name for name in settings_read() - OF_THE_SYSTEM if f"`{name}`" not in text) == []


def commands() -> set[str]:
    found = set()
    for _, tree in modules("cli"):
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                target = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(target, ast.Attribute) and target.attr == "command":
                    given = decorator.args if isinstance(decorator, ast.Call) else []
                    named = [a.value for a in given if isinstance(a, ast.Constant)]
                    found.add(named[0] if named else node.name.strip("_").replace("_", "-"))
    return found


def test_every_command_is_in_the_reference():
    text = told()
    assert commands()
    assert sorted(name for name in commands() if not re.search(rf"`[^`]*\b{re.escape(name)}\b", text)) == []


def actions() -> set[str]:
    """The actions that code writes: constants given to `record`; those put together from parts name them in a table."""
    found = set()
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "record":
                given = [k.value for k in node.keywords if k.arg == "action"]
                found |= {
                    c.value
                    for value in given
                    for c in ast.walk(value)
                    if isinstance(c, ast.Constant) and isinstance(c.value, str) and c.value.count(".") >= 2
                }
    return found


def test_every_ledger_action_is_in_the_reference():
    text = told()
    assert len(actions()) > 30
    assert sorted(action for action in actions() if f"`{action}`" not in text) == []


def test_the_map_of_the_house_in_the_documents_is_the_house():
    text = (ROOT / "docs" / "explanation" / "house.md").read_text(encoding="utf-8")
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists()} - {"samples"}
    assert sorted(room for room in rooms if f"{room}" not in text) == []
