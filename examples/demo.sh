#!/bin/sh
# A template from end to end: from a small disk (a real NTFS volume on a partitioned disk) to an archive and back.
set -eu
cd "$(dirname "$0")/.."
out=${1:-demo}
${CARGO:-cargo} build --release --quiet -p vmtemplate-cli
vmtemplate=${CARGO_TARGET_DIR:-target}/release/vmtemplate

step() { printf '\n== %s\n' "$1"; }
run() { printf '$ vmtemplate %s\n' "$*"; "$vmtemplate" "$@"; }

rm -rf "$out"
mkdir "$out"
gunzip -c tests/fixtures/sample-disk.raw.gz >"$out/win2019.raw"

step "1. The disk of the master VM: $out/win2019.raw. What packing would read of it:"
run disk "$out/win2019.raw"

step "2. Build the template: metadata, setup script and disk in one archive. The sample disk holds no Windows,
   so it is not checked before"
run build --name Windows-Server-2019 --image "$out/win2019.raw" --memory-mib 1024 --ipv4 yes --ipv6 no \
    --tag windows --tag windows2019 --template-version 5 --macro '($PRODUCTKEY)' --no-check -o "$out/Windows-Server-2019.tar.gz"

step "3. Look into the archive, without unpacking it"
run inspect "$out/Windows-Server-2019.tar.gz"

step "4. Check it: every step of the guide that can be checked without starting a machine"
run check "$out/Windows-Server-2019.tar.gz" || true

step "5. Unpack it again, as the platform does"
run unpack "$out/Windows-Server-2019.tar.gz" "$out/unpacked"

step "6. Change one value of the metadata; nothing else in the file changes"
run metainfo "$out/unpacked/metainfo.xml" --set limit.mem=2048 -o "$out/unpacked/metainfo.xml"

step "7. Pack the folder again"
run pack "$out/unpacked" -o "$out/Windows-Server-2019-2048.tar.gz"

printf '\nThe templates are %s and %s;\nthe unpacked files are in %s.\n' \
    "$out/Windows-Server-2019.tar.gz" "$out/Windows-Server-2019-2048.tar.gz" "$out/unpacked"
