"""A fleet of templates over a Dask cluster, for whom one machine is too small.

    python dask_fleet.py /srv/images /srv/archives --scheduler tcp://scheduler:8786

The folders are shared by all workers. Without a scheduler a cluster on this machine does the work.
"""

# Dask has no types for what it exports.
# pyright: basic

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dask.distributed import Client, LocalCluster, as_completed

import vmtemplate as vt


def build(image: Path, archive: Path) -> tuple[str, vt.Report, vt.PackSummary | None]:
    """On a worker: check and pack one template. What comes back is pickled, and so is an error."""
    template = vt.Template.build(image.stem, image=image, limits=vt.Limits(ipv4=True, memory_mib=2048))
    report = template.check()
    # Dask runs as many of these at once as the worker has threads.
    packed = None if report.has("error") else template.pack(archive, overwrite=True, threads=1)
    return image.stem, report, packed


def fleet(client: Client, images: list[Path], archives: Path) -> dict[str, vt.PackSummary]:
    """What became of each image that was good."""
    archives.mkdir(exist_ok=True)
    # Each on its own: an image that another one equals by name is still another one.
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
    """Do it for every image of a folder."""
    parser = argparse.ArgumentParser(description="Pack every image of a folder on a Dask cluster.")
    parser.add_argument("images", type=Path)
    parser.add_argument("archives", type=Path)
    parser.add_argument("--scheduler", help="address of the scheduler; a cluster on this machine without it")
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
