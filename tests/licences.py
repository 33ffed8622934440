"""Fail if a crate that is built has a licence that deny.toml does not allow, or comes from elsewhere than the registry."""

import json
import re
import subprocess
import sys
import tomllib

with open("deny.toml", "rb") as file:
    allowed = set(tomllib.load(file)["licenses"]["allow"])


def satisfied(expression: str) -> bool:
    """Whether an SPDX expression holds when exactly the allowed licences do."""
    text = expression.replace("/", " OR ")
    words = re.findall(r"\(|\)|[\w.+-]+(?: WITH [\w.+-]+)?", text)
    python = [w.lower() if w in ("AND", "OR") else w if w in "()" else str(w in allowed) for w in words]
    return bool(eval(" ".join(python), {"__builtins__": {}}))  # noqa: S307 (only True, False, and, or, parentheses)


# The platforms that the crates may be built for; what they bring on a telephone or in a browser is nobody's concern.
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "aarch64-apple-darwin"]

command = ["cargo", "metadata", "--format-version=1", "--locked"]
for target in TARGETS:
    command += ["--filter-platform", target]
metadata = json.loads(subprocess.check_output(command))
bad = []
for package in metadata["packages"]:
    name = f"{package['name']} {package['version']}"
    # `None` is a package of this workspace; all others come from the registry, none from a git repository.
    if package["source"] and not package["source"].startswith("registry+"):
        bad.append(f"{name}: from {package['source']}")
    if not package["license"] or not satisfied(package["license"]):
        bad.append(f"{name}: licence {package['license']}")
if bad:
    sys.exit("not allowed by deny.toml:\n  " + "\n  ".join(bad))
print(f"licences of {len(metadata['packages'])} packages are allowed")
