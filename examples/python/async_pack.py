"""Pack several templates at once under asyncio, and stop those that take too long.

    python async_pack.py a.qcow2 b.qcow2 --seconds 600

The work runs in threads. That is enough, because all of it releases the interpreter.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import vmtemplate as vt


async def pack(image: Path, seconds: float) -> vt.PackSummary:
    """Pack one image within this time; cancelling the task cancels the work too."""
    cancel = vt.CancelToken()
    loop = asyncio.get_running_loop()

    def work() -> vt.PackSummary:
        template = vt.Template.build(image.stem, image=image)
        # The library calls `progress` on this worker thread, which passes the value on to the event loop.
        return template.pack(
            image.with_suffix(".tar.gz"),
            overwrite=True,
            cancel=cancel,
            progress=lambda p: loop.call_soon_threadsafe(shown.__setitem__, image, p.fraction),
        )

    shown: dict[Path, float] = {}
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.wait_for(asyncio.shield(task), seconds)
    except (asyncio.TimeoutError, asyncio.CancelledError):
        cancel.cancel()
        # The work ends promptly and leaves no partial output.
        await asyncio.wait([task])
        print(f"{image}: stopped at {shown.get(image, 0.0):.0%}", file=sys.stderr)
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()


async def pack_all(images: list[Path], seconds: float) -> list[vt.PackSummary | BaseException]:
    """Pack all of them at once; one that fails does not stop the others."""
    return await asyncio.gather(*(pack(image, seconds) for image in images), return_exceptions=True)


def main() -> int:
    """Pack the images on the command line."""
    parser = argparse.ArgumentParser(description="Pack images at once, each within a time limit.")
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=3600.0)
    given = parser.parse_args()
    failed = 0
    for image, result in zip(given.images, asyncio.run(pack_all(given.images, given.seconds))):
        if isinstance(result, vt.PackSummary):
            print(f"{image}: {result.archive_bytes} bytes")
        else:
            failed += 1
            print(f"{image}: {result!r}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
