#!/bin/sh
# Installs the C library and the command where Linux expects them. `make install` builds them first and calls this.
#   BUILT=target/release PREFIX=/usr/local [DESTDIR=/tmp/package] [LIBDIR=/usr/lib/x86_64-linux-gnu] install.sh
set -eu
here=$(dirname "$0")
prefix=${PREFIX-/usr/local}
libdir=${LIBDIR:-$prefix/lib}
root=${DESTDIR:-}
header=$here/include/vmtemplate.h
value() { sed -n "s/^#define $1 \"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" "$header"; }
version=$(value VMT_VERSION)
abi=$(value VMT_ABI_VERSION)
# The system libraries that the static library needs: `rustc --print native-static-libs` on Linux.
private='-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc'
# The relative path from LIBDIR/cmake/vmtemplate to PREFIX.
case $libdir in
"$prefix"/*) to_prefix=../..$(printf '%s' "${libdir#"$prefix"}" | sed 's,/[^/]*,/..,g') ;;
*) to_prefix=$prefix ;;
esac

fill() {
    sed -e "s,@PREFIX@,$prefix,g" -e "s,@LIBDIR@,$libdir,g" -e "s,@VERSION@,$version,g" -e "s,@ABI@,$abi,g" \
        -e "s,@PRIVATE@,$2,g" -e "s,@MAJOR@,${version%%.*},g" -e "s,@TO_PREFIX@,$to_prefix,g" \
        -e "s,@MINOR@,$(printf '%s' "$version" | cut -d. -f2),g" "$here/$1"
}

mkdir -p "$root$libdir/pkgconfig" "$root$libdir/cmake/vmtemplate" "$root$prefix/include" "$root$prefix/bin"
# Linked here and not by rustc, which exports every `extern "C"` function of all dependencies: only what the header
# declares may be visible.
exports=$(mktemp)
trap 'rm -f "$exports"' EXIT
echo '{ global: vmt_*; local: *; };' >"$exports"
# As rustc does for an optimised library: strip the debug information of Rust's standard library.
case $BUILT in
*release) debug=-Wl,--strip-debug ;;
*) debug= ;;
esac
# shellcheck disable=SC2086 # lists of words
${CC:-cc} -shared -o "$root$libdir/libvmtemplate.so.$version" -Wl,--version-script="$exports" \
    -Wl,-soname,"libvmtemplate.so.$abi" -Wl,--whole-archive "$BUILT/libvmtemplate_c.a" -Wl,--no-whole-archive \
    -Wl,--gc-sections $debug -Wl,-z,relro -Wl,-z,now -Wl,-z,defs $private
ln -sf "libvmtemplate.so.$version" "$root$libdir/libvmtemplate.so.$abi"
ln -sf "libvmtemplate.so.$abi" "$root$libdir/libvmtemplate.so"
install -m 644 "$BUILT/libvmtemplate_c.a" "$root$libdir/libvmtemplate.a"
install -m 644 "$header" "$root$prefix/include/vmtemplate.h"
fill vmtemplate.pc.in "$private" >"$root$libdir/pkgconfig/vmtemplate.pc"
for file in config config-version; do
    fill cmake/vmtemplate-$file.cmake.in "$(printf '%s' "$private" | sed 's/-l//g; s/ /;/g')" \
        >"$root$libdir/cmake/vmtemplate/vmtemplate-$file.cmake"
done
if [ -x "$BUILT/vmtemplate" ]; then
    install -m 755 "$BUILT/vmtemplate" "$root$prefix/bin/vmtemplate"
fi
