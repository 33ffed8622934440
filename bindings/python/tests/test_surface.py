"""Everything in the module has a test, a type and documentation. This runs after all other tests."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType
from typing import Callable

import pytest

import vmtemplate as vt
from support import CALLED, SKIPPED, Watched
from vmtemplate import _native

HERE = Path(__file__).parent
NAMES = {
    node.attr if isinstance(node, ast.Attribute) else node.id
    for path in HERE.glob("test_*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, (ast.Attribute, ast.Name))
}
"""Every name in the code of the tests, without strings and comments."""


def members() -> list[tuple[str, object]]:
    """Every class and function of the module, and every method and property of its classes."""
    listed: list[tuple[str, object]] = []
    for module in (vt, _native):
        for name in module.__all__:
            item = getattr(module, name)
            listed.append((name, item))
            if inspect.isclass(item) and item.__module__.startswith("vmtemplate"):
                listed += [
                    (f"{name}.{inner}", held)
                    for base in reversed(item.__mro__)
                    if base.__module__.startswith("vmtemplate")
                    for inner, held in vars(base).items()
                    if not inner.startswith("_")
                ]
    return list(dict(listed).items())


def is_tested(name: str, item: object) -> bool:
    if isinstance(item, staticmethod):
        item = item.__func__
    if isinstance(item, property):
        item = item.fget
    if isinstance(item, FunctionType):
        return item.__code__ in CALLED
    if isinstance(item, (BuiltinFunctionType, MethodDescriptorType, Watched)):
        return name in CALLED
    if isinstance(item, type):
        # The interpreter does not report instances of a class: a test must at least name it.
        return name in NAMES
    return True


def is_named(name: str, source: str) -> bool:
    return re.search(rf"\b{name.rsplit('.', 1)[-1]}\b", source) is not None


def skipped_sources() -> str:
    """The code of the tests that were skipped because a tool is missing."""
    functions: list[Callable[..., object]] = [
        item.obj for item in SKIPPED if isinstance(item, pytest.Function)
    ]
    return "\n".join(inspect.getsource(function) for function in functions)


def test_every_class_and_function_is_tested(request: pytest.FixtureRequest) -> None:
    ran = {item.path.name for item in request.session.items}
    if ran != {path.name for path in HERE.glob("test_*.py")} or request.config.option.keyword:
        # A run of some tests does not show what the others call; run.py runs all of them.
        pytest.skip("only some of the tests were run")
    # A skipped test calls nothing, so it is enough that its code contains the name.
    skipped = skipped_sources()
    missing = [name for name, item in members() if not is_tested(name, item) and not is_named(name, skipped)]
    assert " ".join(missing) == ""


def test_every_class_and_function_has_words() -> None:
    enums = {name for name, item in members() if inspect.isclass(item) and hasattr(item, "__members__")}
    silent = [
        name
        for name, item in members()
        if callable(item) or isinstance(item, (property, Watched))
        if name.split(".")[0] not in enums and not inspect.getdoc(item)
    ]
    assert silent == []


def test_signatures_are_readable() -> None:
    for name, item in members():
        if isinstance(item, (MethodDescriptorType, BuiltinFunctionType)):
            assert "Ellipsis" not in str(inspect.signature(item)), name
    assert str(inspect.signature(vt.Template.pack)).startswith("(self, /, path, *, level=5, threads=None")


def documents() -> list[tuple[str, str]]:
    found = [("vmtemplate", vt.__doc__ or "")]
    found += [(name, inspect.getdoc(item) or "") for name, item in members() if callable(item)]
    installed = inspect.getsourcefile(vt)
    assert installed is not None
    found.append(("README.md", (HERE.parent / "README.md").read_text()))
    return [(name, text) for name, text in found if ">>>" in text]


@pytest.mark.parametrize(("name", "text"), documents())
def test_examples_in_the_documentation_run(name: str, text: str) -> None:
    # A fence is not output.
    text = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    printed: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=printed.append)
    assert tried > 0
    assert failed == 0, "".join(printed)
