#!/bin/sh
# A template from end to end: from the disk of a master VM to an archive in a repository and a new machine's drive.
set -eu
cd "$(dirname "$0")/.."
out=${1:-demo}
${CARGO:-cargo} build --release --quiet -p vmtemplate-cli
vmtemplate=${CARGO_TARGET_DIR:-target}/release/vmtemplate

step() { printf '\n== %s\n' "$1"; }
run() { printf '$ vmtemplate %s\n' "$*"; "$vmtemplate" "$@"; }

rm -rf "$out"
mkdir "$out"
# A real NTFS volume on a partitioned disk, with the parts of a Windows that the checks read. tests/fixtures/README.md
# names the script that generates it.
gunzip -c tests/fixtures/windows-bios.raw.gz >"$out/win2019.raw"
archive=$out/Windows-Server-2019.tar.gz

step "1. Show the disk of the master VM, $out/win2019.raw, and what packing would read of it"
run disk "$out/win2019.raw"

step "2. Check the disk, and build the template: metadata, a setup script and the disk in one archive"
run build --name Windows-Server-2019 --image "$out/win2019.raw" --memory-mib 2048 --ipv4 yes --ipv6 no \
    --tag windows --tag windows2019 --template-version 5 --macro '($PRODUCTKEY)' -o "$archive"

step "3. Inspect the archive without unpacking it"
run inspect "$archive"

step "4. Check, inside the archive, every step of the guide that can be checked without starting a machine"
run check "$archive"

step "5. Verify the whole archive, and print its checksums"
run verify "$archive"

step "6. Write the install drive of a new machine: the setup script with its macros replaced by quoted values"
run drive "$archive" --set IP=192.0.2.10 --set NETMASK=255.255.255.0 --set GATEWAY=192.0.2.1 \
    --set NAMESERVER=192.0.2.53 --set 'PASS=any & all' --missing empty -o "$out/drive.img"
grep --text 'set "ADDRESS=' "$out/drive.img"

step "7. Unpack the archive as the platform does, change one value of the metadata and nothing else, and pack it again"
run unpack "$archive" "$out/unpacked"
run metainfo "$out/unpacked/metainfo.xml" --set limit.mem=4096 -o "$out/unpacked/metainfo.xml"
run pack "$out/unpacked" -o "$out/Windows-Server-2019-4096.tar.gz"

step "8. Publish the archive in a repository"
run repo init "$out/repo"
run repo add "$out/repo" "$archive"
run repo verify "$out/repo"
cat "$out/repo/metadata.json"

printf '\nThe template is %s; the repository is %s.\n' "$archive" "$out/repo"
