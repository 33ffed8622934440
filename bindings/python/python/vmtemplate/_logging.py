"""Logs the warnings of results under the name `vmtemplate`."""

from __future__ import annotations

import logging

from ._values import Fetched, FreeSpaceReport, PackSummary, Pushed, RawSummary, Synced

logger = logging.getLogger("vmtemplate")
# Without a handler of the program nothing is printed.
logger.addHandler(logging.NullHandler())


def log(result: Fetched | PackSummary | Pushed | RawSummary | Synced) -> None:
    """Log the warnings of a result; called by the library."""
    if isinstance(result, Fetched):
        if not result.has_checksum:
            logger.warning(
                "%s: SHA256SUMS has no checksum of the archive; only its own were compared", result.path
            )
    elif isinstance(result, Synced):
        for name in result.missing:
            logger.warning("%s: the archive does not exist", name)
        for name, reason in result.damaged.items():
            logger.warning("%s: %s", name, reason)
    else:
        summary = result.pack if isinstance(result, Pushed) else result
        log_free_space(summary.free_space)
        if isinstance(summary, PackSummary):
            for name in summary.left_behind:
                logger.warning("%s: left behind, since the metadata does not name it", name)
            for name in summary.missing:
                logger.warning("%s: the metadata names it, and it does not exist", name)


def log_free_space(report: FreeSpaceReport) -> None:
    """Log why free space was kept that should have been left out."""
    if report.table_damage is not None:
        logger.warning("free space was kept: %s", report.table_damage)
    for volume in report.volumes:
        if volume.kept is not None:
            place = "the disk" if volume.partition is None else f"partition {volume.partition}"
            logger.warning("free space of %s was kept: %s", place, volume.kept.detail)
