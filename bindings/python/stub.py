"""Compare the docstrings of `_native.pyi` with those of the built module, which come from the sources in Rust.

    python stub.py [--update]

Signatures are written by hand in the stub, documentation is written by hand in Rust. stubtest compares the former with
the module, this the latter.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from pathlib import Path

from vmtemplate import _native

STUB = Path(__file__).resolve().parent / "python" / "vmtemplate" / "_native.pyi"


def documented(text: str) -> str:
    """The stub with the docstrings of the module."""
    lines = text.splitlines()
    # From the end, so that the line numbers of what comes before stay right.
    for node, item in reversed(list(pairs(ast.parse(text)))):
        words = inspect.getdoc(item) if item is not None else None
        if words is None:
            continue
        first = node.body[0]
        last = first.end_lineno
        assert last is not None
        if ast.get_docstring(node) is not None:
            lines[first.lineno - 1 : last] = docstring(words, first.col_offset)
        elif isinstance(node, ast.FunctionDef) and first.lineno == node.lineno:
            # `def name(self) -> None: ...` in one line.
            head = lines[node.lineno - 1].removesuffix(" ...")
            lines[node.lineno - 1 : last] = [head, *docstring(words, node.col_offset + 4)]
        elif isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            lines[first.lineno - 1 : last] = docstring(words, first.col_offset)
        else:
            lines[first.lineno - 1 : first.lineno - 1] = docstring(words, first.col_offset)
    return "\n".join(lines) + "\n"


def pairs(module: ast.Module) -> list[tuple[ast.ClassDef | ast.FunctionDef, object]]:
    """The classes, methods and functions of the stub in their order, each with what it describes."""
    found: list[tuple[ast.ClassDef | ast.FunctionDef, object]] = []
    for node in module.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)) or node.name.startswith("_"):
            continue
        item = getattr(_native, node.name)
        found.append((node, item))
        for inner in node.body if isinstance(node, ast.ClassDef) else []:
            # Special methods need no words, and neither do setters and overloads, which have those of their getter.
            if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                is_plain = all(isinstance(mark, ast.Name) for mark in inner.decorator_list)
                is_overload = any(
                    isinstance(mark, ast.Name) and mark.id == "overload" for mark in inner.decorator_list
                )
                found.append((inner, getattr(item, inner.name) if is_plain and not is_overload else None))
    return found


def docstring(words: str, indent: int) -> list[str]:
    """The lines of a docstring."""
    raw = "r" if "\\" in words else ""
    many = "\n" in words
    text = textwrap.indent(f'{raw}"""{words}' + ("\n" if many else "") + '"""', " " * indent)
    return [line.rstrip() for line in text.splitlines()]


def main() -> None:
    """Do what the command line says."""
    held = STUB.read_text()
    made = documented(held)
    if sys.argv[1:] == ["--update"]:
        STUB.write_text(made)
    elif made != held:
        sys.exit(
            f"{STUB.name} has other docstrings than the module; `UPDATE_PYTHON=1 run.py stub` copies them"
        )


if __name__ == "__main__":
    main()
