"""The cases that the libraries for Rust, Python and C must agree on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, Callable

import pytest

import vmtemplate as vt
from support import ROOT, content

Case = dict[str, Any]
VECTORS = ROOT / "tests" / "vectors"


def error_of(error: vt.VmTemplateError) -> Case:
    context = error.context
    told: Case = {"kind": error.kind.value}
    if context.field is not None:
        told["field"] = context.field
    if context.position is not None:
        told["line"], told["column"] = context.position
    if context.problems:
        told["problems"] = [error_of(problem) for problem in context.problems]
    return told


def finding_of(finding: vt.Finding) -> Case:
    told: Case = {"code": finding.code, "severity": finding.severity.value}
    place = finding.place
    if place.file is not None:
        told["file"] = place.file
    if place.partition is not None:
        told["partition"] = place.partition
    if place.position is not None:
        told["line"], told["column"] = place.position
    return told


def content_of(data: bytes) -> Case:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}
    if "\0" in text or "\ufeff" in text:
        return {"hex": data.hex()}
    # Not splitlines, which splits at other characters too.
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    if not lines[-1]:
        lines.pop()
    return {"text": lines if len(lines) > 1 else text}


def pruned(told: Case) -> Case:
    """The JSON form: without None, and with lists for tuples."""
    found: Case = json.loads(json.dumps(told))
    found["limits"] = {key: item for key, item in found["limits"].items() if item is not None}
    return {key: item for key, item in found.items() if item is not None}


def product_of(product: vt.Product) -> Case:
    told: Case = {"name": product.name}
    if product.min_version is not None:
        told["min_version"] = str(product.min_version)
    return told


def fields_of(fields: vt.MetainfoFields) -> Case:
    told: Case = pruned({**dataclasses.asdict(fields), "support": [product_of(p) for p in fields.support]})
    for key in ("network_install",):
        if not told[key]:
            del told[key]
    if not told["limits"]["other"]:
        del told["limits"]["other"]
    if fields.ssh_public_key == vt.SshPublicKey():
        del told["ssh_public_key"]
    return told


def fields(told: Case) -> vt.MetainfoFields:
    told = dict(told)
    makers: dict[str, Callable[[Any], object]] = {
        "limits": lambda limits: vt.Limits(**limits),
        "support": lambda products: vt.Support(
            [f"{p['name']}:{p['min_version']}" if "min_version" in p else p["name"] for p in products]
        ),
        "ssh_public_key": lambda key: vt.SshPublicKey(**key),
        "tags": tuple,
        "declared_macros": tuple,
    }
    for key, make in makers.items():
        if key in told:
            told[key] = make(told[key])
    return vt.MetainfoFields(**told)


def errors(_: Case, folder: Path) -> object:
    # The numbers are for C; the names are those of all kinds, in order.
    kinds = json.loads((VECTORS / "errors.json").read_text())[0]["expect"]
    numbers = {case["name"]: case["number"] for case in kinds}
    return [{"name": kind.value, "number": numbers[kind.value]} for kind in vt.ErrorKind]


def metainfo(given: Case, folder: Path) -> object:
    if "file" in given:
        made = vt.Metainfo.parse(content(given["file"]))
    elif "os_name" in given:
        made = vt.Metainfo(given["os_name"])
    else:
        made = vt.Metainfo.from_fields(fields(given["fields"]))
    for edit in given.get("edits", []):
        if edit.get("value") is not None:
            made[edit["key"]] = edit["value"]
        elif edit["key"] in made:
            del made[edit["key"]]
    found: Case = {"file": content_of(bytes(made))}
    try:
        found["fields"] = fields_of(made.fields())
    except vt.VmTemplateError as error:
        found["fields_error"] = error_of(error)
    if "vm" in given:
        vm = given["vm"]
        spec = vt.VmSpec(vm["memory_mib"], vm["disk_mb"], vt.AddressFamily(vm.get("primary_address", "ipv4")))
        units = {"primary_address": "", "memory": "_mib", "disk": "_mb"}
        unmet: list[Case] = []
        for miss in made.limits.unmet(spec):
            unit = units[miss.limit]
            found_value = miss.found.value if isinstance(miss.found, vt.AddressFamily) else miss.found
            told: Case = {"limit": miss.limit, f"found{unit}": found_value}
            if miss.required is not None:
                told[f"required{unit}"] = miss.required
            unmet.append(told)
        found["unmet"] = unmet
    return found


def macros(given: Case, folder: Path) -> object:
    [(question, asked)] = given.items()
    if question == "catalogue":
        return [{"name": info.name, "kind": info.kind.value} for info in vt.MacroInfo.catalogue()]
    if question == "lookup":
        known = vt.MacroInfo.lookup(asked)
        return {"kind": None if known is None else known.kind.value}
    if question == "text":
        text = asked if isinstance(asked, str) else "".join(asked)
        return [
            {"name": use.name.name, "line": use.position.line, "column": use.position.column}
            for use in vt.find_macros(text)
        ]
    name = vt.MacroName.parse(asked) if question == "spelling" else vt.MacroName(asked)
    return {"name": name.name, "spelling": str(name)}


def values(given: Case, folder: Path) -> object:
    vt.MacroValues({given["macro"]: given["value"] * given.get("repeat", 1)})
    return {"accepted": True}


def render(given: Case, folder: Path) -> object:
    options = {
        key: given[key]
        for key in ("language", "missing", "as_platform", "illegal_password_characters", "declared")
        if key in given
    }
    script = vt.Script(content(given["script"]))
    return {"script": content_of(bytes(script.render(given.get("values", {}), **options)))}


def lint(given: Case, folder: Path) -> object:
    about = vt.Metainfo.parse(content(given["metainfo"])) if "metainfo" in given else None
    options = {key: given[key] for key in ("file_name", "language") if key in given}
    return [finding_of(finding) for finding in vt.Script(content(given["script"])).check(about, **options)]


def setup(given: Case, folder: Path) -> object:
    given = dict(given)
    if given.pop("firewall_unchanged", False):
        given["firewall"] = "unchanged"
    script = bytes(vt.SetupScript.windows(**given).build())
    return {"lines": script.count(b"\n"), "size": len(script), "sha256": hashlib.sha256(script).hexdigest()}


def drive(given: Case, folder: Path) -> object:
    script = vt.Script(content(given["script"])).render(given.get("values", {}))
    made = vt.InstallDrive(script, padding=given.get("padding", "blank-lines"))
    return {
        "sha256": hashlib.sha256(bytes(made)).hexdigest(),
        "first_32": bytes(made)[:32].hex(),
        "script_size": len(made.script),
    }


def template(draft: Case, folder: Path) -> vt.Template:
    draft = dict(draft)
    limits = {key: draft.pop(key) for key in ("memory_mib", "disk_mb", "ipv4", "ipv6") if key in draft}
    if "image" in draft:
        draft["image"] = content(draft["image"])
        if "image_file" in draft:
            path = folder / draft.pop("image_file")
            path.write_bytes(draft["image"])
            draft["image"] = path
    if "script" in draft:
        draft["script"] = content(draft["script"])
    return vt.Template.build(limits=vt.Limits(**limits), **draft)


def put_files(files: list[Case], folder: Path) -> None:
    for file in files:
        path = folder / file["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(file["content"]))


def pack(given: Case, folder: Path) -> object:
    path = folder / "template.tar.gz"
    if "folder" in given:
        put_files(given["folder"], folder / "template")
        packed = vt.Template.open(folder / "template")
    else:
        packed = template(given["template"], folder)
    options: Case = {
        key: given[key] for key in ("mtime", "level", "sparse", "drop_page_files") if key in given
    }
    if given.get("keep_free_space"):
        options["free_space"] = "keep"
    summary = packed.pack(path, **options)
    archive = path.read_bytes()
    assert summary.archive_bytes == len(archive)
    return {
        "sha256": hashlib.sha256(archive).hexdigest(),
        "size": len(archive),
        "entries": [dataclasses.asdict(entry) for entry in vt.Archive.open(path)],
        "usage": dataclasses.asdict(summary.usage),
        "left_behind": list(summary.left_behind),
        "missing": list(summary.missing),
    }


def check(given: Case, folder: Path) -> object:
    given = dict(given)
    path = folder
    put_files(given.pop("folder", []), folder)
    if "file" in given:
        file = given.pop("file")
        put_files([file], folder)
        path = folder / file["name"]
    return [finding_of(finding) for finding in vt.check(path, **given)]


def disk(given: Case, folder: Path) -> object:
    put_files([given], folder)
    info = vt.DiskImage.open(folder / given["name"]).info()
    table = info.partitions
    told = None
    if table is not None:
        told = {
            "scheme": table.scheme.value,
            "sector_size": table.sector_size,
            "warnings": len(table.warnings),
            "notes": len(table.notes),
            "partitions": [
                {
                    "index": partition.index,
                    "offset": partition.offset,
                    "length": partition.length,
                    "kind": str(partition.kind),
                    "name": partition.name,
                    "active": partition.active,
                }
                for partition in table.partitions
            ],
        }
    kept = [volume.kept and volume.kept.reason.value for volume in info.free_space.volumes]
    return {"format": info.format, "size": info.size, "table": told, "kept": kept}


def repository(given: Case, folder: Path) -> object:
    at = folder / "repo"
    if "description" in given:
        at.mkdir()
        name = {"vm6": "metadata.json", "vm5": "metadata.xml"}.get(given["format"], "none")
        (at / name).write_bytes(content(given["description"]))
        held = vt.Repository.open(at, given["format"])
    else:
        held = vt.Repository.create(at, given["format"])
    for operation in given.get("operations", []):
        [(what, asked)] = operation.items()
        if what == "remove":
            held.remove(asked["name"])
            continue
        path = folder / asked["archive"]["file_name"]
        template(asked["archive"]["template"], folder).pack(path, mtime=0, overwrite=True)
        options = dict(asked.get("options") or {})
        if what == "add":
            held.add(path, **options)
        else:
            if "name" in options:
                options["new_name"] = options.pop("name")
            held.replace(asked["name"], path, **options)
    entries = [
        {
            "name": entry.name,
            "file_name": entry.file_name,
            "kind": entry.kind.value,
            "tags": list(entry.tags),
            "archive_size_mib": entry.archive_size_mib,
        }
        for entry in held
    ]
    return {"description": content_of(held.description_path.read_bytes()), "entries": entries}


def family(given: Case, folder: Path) -> object:
    words = {
        "red-hat": "redhat-based",
        "debian": "debian-based",
        "free-bsd": "freebsd-based",
        "windows": "Windows",
    }
    found = vt.OsFamily.of_template_name(given["template_name"])
    return {"family": None if found is None else words[found.value]}


TOPICS: dict[str, Callable[[Case, Path], object]] = {
    "check": check,
    "disk": disk,
    "drive": drive,
    "errors": errors,
    "family": family,
    "lint": lint,
    "macros": macros,
    "metainfo": metainfo,
    "pack": pack,
    "render": render,
    "repository": repository,
    "setup": setup,
    "values": values,
}


def cases() -> list[Any]:
    listed: list[Any] = []
    for topic in TOPICS:
        for case in json.loads((VECTORS / f"{topic}.json").read_text()):
            listed.append(pytest.param(topic, case, id=f"{topic}: {case['name']}"))
    return listed


def test_every_topic_is_run() -> None:
    assert sorted(TOPICS) == sorted(path.stem for path in VECTORS.glob("*.json"))


@pytest.mark.parametrize(("topic", "case"), cases())
def test_python_gives_what_rust_gives(topic: str, case: Case, tmp_path: Path) -> None:
    try:
        found = TOPICS[topic](case["input"], tmp_path)
    except vt.VmTemplateError as error:
        found = {"error": error_of(error)}
    assert found == case["expect"]
