#!/bin/sh
# Run targets of the Makefile on a bare Debian with Rust, gcc, make and Python and nothing else, to see what a newcomer
# without the other tools sees. debootstrap creates the root file system in target/clean-root.*, which is removed at the
# end.
#
#     sh tests/clean-root.sh [TARGET...]      as root, on Debian; without a target, `make test`
#     PACKAGES="python3-venv" sh tests/clean-root.sh test
#
# Rust comes from this machine, mounted read-only. The sources are those of HEAD, in a separate folder.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "clean-root.sh: needs root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "clean-root.sh: debootstrap is not installed" >&2; exit 2; }
mkdir -p target
root=$(mktemp -d "$PWD/target/clean-root.XXXXXX")
# On a real system every user may enter the root folder, and some tests run as another user.
chmod 755 "$root"
# The mounts disappear with the last process of their namespace, so only files remain to be removed.
trap 'rm -rf --one-file-system "$root"' EXIT

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' "Release: $suite" | cut -d' ' -f1 | sort -u | head -n 1)
packages=$(echo gcc libc6-dev make python3 ca-certificates ${PACKAGES:-} | tr ' ' ',')
echo "clean-root.sh: a root of $suite with $packages"
debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; exit 2; }
rm -f "$root.log"

# The files that this machine needs to reach crates.io and PyPI.
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp -L "$file" "$root$file"
done
mkdir -p "$root/opt/rust" "$root/src"
git archive HEAD | tar -x -C "$root/src"

# shellcheck disable=SC2016 # the inner shell expands the variables
SYSROOT=$(rustc --print sysroot) ROOT=$root unshare --mount --pid --fork --kill-child sh -euc '
    mount --make-rprivate /
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount --bind -o ro "$SYSROOT" "$ROOT/opt/rust"
    exec chroot "$ROOT" env -i HOME=/root LANG=C.UTF-8 \
        PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
        make -C /src "$@"' clean-root "${@:-test}"
