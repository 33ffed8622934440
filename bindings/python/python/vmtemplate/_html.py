"""Reports, images and templates as a notebook shows them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._native import DiskImage, Template
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


def image(disk: DiskImage) -> str:
    """The size and format of an image, and its partitions."""
    if disk.closed:
        return table("closed", (), ())
    info = disk.info()
    found = info.partitions.partitions if info.partitions is not None else ()
    rows = ((held.index, held.offset, held.length, held.kind, held.name) for held in found)
    title = f"{disk.path or 'disk'}: {info.format}, {info.size:,} bytes, {info.usage.data:,} of them data"
    return table(title, ("Partition", "Offset", "Length", "Type", "Name"), rows)


def template(held: Template) -> str:
    """The metadata of a template that is set, and its files."""
    info = held.info()
    fields = [(name, value) for name, value in vars(info.metainfo).items() if value]
    files = [(entry.name, f"{entry.size:,} bytes") for entry in info.files]
    return table(info.metainfo.os_name or "template", ("Field", "Value"), fields) + table(
        "files", ("File", "Size"), files
    )
