#!/bin/sh
# Run all tests: those of the library and the command, of the Python module, and of the C library. Each part runs even
# if an earlier one failed. The end reports the result of each part, and lists the skipped tests with the tools that
# they lack.
cd "$(dirname "$0")/.." || exit 2
CARGO=${CARGO:-cargo}
PYTHON=${PYTHON:-python3 -B}
VMTEMPLATE_SKIPPED=$(mktemp) || exit 2
export CARGO VMTEMPLATE_SKIPPED
trap 'rm -f "$VMTEMPLATE_SKIPPED"' EXIT
summary=
status=0

# part NAME COMMAND...
part() {
    name=$1
    shift
    echo "== $name: $*"
    if "$@"; then
        summary="$summary
$name: passed"
    else
        summary="$summary
$name: FAILED"
        status=1
    fi
}

# shellcheck disable=SC2086 # both variables may contain arguments
part "the library and the command" $CARGO test --workspace --no-fail-fast --quiet
# shellcheck disable=SC2086
part "the Python module" $PYTHON bindings/python/run.py test
part "the C library" python3 -B bindings/c/tests/run.py

echo
if [ -s "$VMTEMPLATE_SKIPPED" ]; then
    echo "skipped, $(sort -u "$VMTEMPLATE_SKIPPED" | wc -l) in all:"
    sort -u "$VMTEMPLATE_SKIPPED" | sed 's/^SKIPPED /  /'
else
    echo "nothing was skipped"
fi
echo "$summary" | sed '/^$/d'
exit $status
