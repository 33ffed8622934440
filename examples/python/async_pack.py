"""Under asyncio: several templates are packed at once, and one that takes too long is stopped.

    python async_pack.py a.qcow2 b.qcow2 --seconds 600

The work runs in threads, which is enough: the interpreter is released for all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import vmtemplate as vt


async def pack(image: Path, seconds: float) -> vt.PackSummary:
    """Pack one image within this time; who awaits is cancelled, and with it the work."""
    cancel = vt.CancelToken()
    loop = asyncio.get_running_loop()

    def work() -> vt.PackSummary:
        template = vt.Template.build(image.stem, image=image)
        # Progress is called on the thread of the work; the loop is told from there.
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
        # It ends within a moment, and leaves nothing half-written.
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
    """Do it for the images of the command line."""
    parser = argparse.ArgumentParser(description="Pack images at once, each within a time.")
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
