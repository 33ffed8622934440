"""Reports, images and templates as a notebook shows them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._values import Finding


def table(title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table with a title. Everything in it is text: nothing from an image or archive becomes markup."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(title)}</caption><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def report(findings: Iterable[Finding], summary: str) -> str:
    """The findings of a report, and how many there are."""
    rows = ((found.severity, found.code, found.place, found.message, found.fix) for found in findings)
    return table(summary, ("Severity", "Rule", "Place", "Finding", "Fix"), rows)
