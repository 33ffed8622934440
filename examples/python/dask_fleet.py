"""Pack a fleet of templates on a Dask cluster, where one machine is too small.

    python dask_fleet.py /srv/images /srv/archives --scheduler tcp://scheduler:8786

All workers must share the two folders. Without a scheduler, a cluster on this machine does the work.
"""

# Dask has no type annotations.
# pyright: basic

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dask.distributed import Client, LocalCluster, as_completed

import vmtemplate as vt


def build(image: Path, archive: Path) -> tuple[str, vt.Report, vt.PackSummary | None]:
    """Check and pack one template on a worker. Results and errors are pickled on the way back."""
    template = vt.Template.build(image.stem, image=image, limits=vt.Limits(ipv4=True, memory_mib=2048))
    report = template.check()
    # Dask runs as many of these at once as the worker has threads.
    packed = None if report.has("error") else template.pack(archive, overwrite=True, threads=1)
    return image.stem, report, packed


def fleet(client: Client, images: list[Path], archives: Path) -> dict[str, vt.PackSummary]:
    """Pack all images, and return a summary of each one that was packed."""
    archives.mkdir(exist_ok=True)
    # `pure=False`: Dask must not take two calls with equal arguments for the same task.
    works = [client.submit(build, image, archives / f"{image.stem}.tar.gz", pure=False) for image in images]
    done: dict[str, vt.PackSummary] = {}
    for work in as_completed(works):
        try:
            name, report, packed = work.result()
        except vt.VmTemplateError as error:
            print(f"{error.kind.value}: {error}", file=sys.stderr)
            continue
        print(f"{name}: {report.summary}")
        if packed is not None:
            done[name] = packed
    return done


def main() -> int:
    """Pack every image of a folder."""
    parser = argparse.ArgumentParser(description="Pack every image of a folder on a Dask cluster.")
    parser.add_argument("images", type=Path)
    parser.add_argument("archives", type=Path)
    parser.add_argument("--scheduler", help="address of the scheduler [default: a cluster on this machine]")
    given = parser.parse_args()
    images = sorted(path for path in given.images.iterdir() if path.is_file())
    if given.scheduler:
        with Client(given.scheduler) as client:
            done = fleet(client, images, given.archives)
    else:
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            done = fleet(client, images, given.archives)
    return len(images) - len(done)


if __name__ == "__main__":
    sys.exit(main())
