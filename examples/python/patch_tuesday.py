"""Patch Tuesday: turn every image of a folder into a template, several at once, with a progress bar for each.

    python patch_tuesday.py images/ repository/ --version 2026.11

An image that fails does not stop the others. The exit status is the number of images that failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

import vmtemplate as vt


def pack(image: Path, archive: Path, version: str, position: int) -> vt.PackSummary:
    """Build, check and pack one template. This runs in a separate process."""
    template = vt.Template.build(
        image.stem,
        image=image,
        script=vt.SetupScript.windows(),
        limits=vt.Limits(ipv4=True, memory_mib=2048),
        tags=["windows"],
        version=version,
        macros=["($PRODUCTKEY)"],
    )
    report = template.check()
    if report.has(vt.Severity.ERROR):
        raise ValueError("; ".join(map(str, report)))
    with tqdm(desc=image.stem, total=1, unit="B", unit_scale=True, position=position, leave=False) as bar:

        def show(progress: vt.Progress) -> None:
            bar.total = progress.total
            bar.update(progress.bytes - bar.n)

        return template.pack(archive, overwrite=True, progress=show)


def publish(repository: vt.Repository, archive: Path, name: str) -> None:
    """Add a template to the repository, or replace an older one of the same name."""
    if any(entry.name == name for entry in repository):
        repository.replace(name, archive)
    else:
        repository.add(archive)


def main() -> int:
    """Pack and publish every image of the folder."""
    parser = argparse.ArgumentParser(
        description="Build templates from all images in a folder, and publish them."
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    try:
        repository = vt.Repository.open(given.repository)
    except FileNotFoundError:
        repository = vt.Repository.create(given.repository)
    packed = given.images / "packed"
    packed.mkdir(exist_ok=True)
    failed = 0
    # A forked process would inherit locks that are held by threads it does not have.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.processes, mp_context=context) as pool:
        images = sorted(path for path in given.images.iterdir() if path.is_file())
        works = {
            pool.submit(pack, image, packed / f"{image.stem}.tar.gz", given.version, number): image
            for number, image in enumerate(images)
        }
        for work in as_completed(works):
            image = works[work]
            try:
                summary = work.result()
                publish(repository, packed / f"{image.stem}.tar.gz", image.stem)
            except (vt.VmTemplateError, ValueError) as error:
                failed += 1
                print(f"{image.name}: {error}", file=sys.stderr)
            else:
                print(f"{image.name}: {summary.usage.read} bytes read, {summary.archive_bytes} written")
    return failed


if __name__ == "__main__":
    sys.exit(main())
