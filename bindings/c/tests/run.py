#!/usr/bin/env python3
"""The tests of the C library, which is installed into a folder and used from there as C programs use it.

A step that lacks a tool is skipped by name, or fails if CI is set.
    run.py [STEP ...]    all steps, or these
UPDATE_ABI=1 writes abi.txt.
"""
import concurrent.futures
import difflib
import gzip
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BINDING = HERE.parent
ROOT = BINDING.parent.parent
sys.path.insert(0, str(HERE))
import header  # noqa: E402

CARGO = shlex.split(os.environ.get("CARGO") or "cargo")
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
WORK = TARGET / "c"
PREFIX, PANICS = WORK / "install", WORK / "panics"
C99 = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]
CPP = ["-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]
TESTS = sorted(path.stem[len("test_"):] for path in HERE.glob("test_*.c"))
EXAMPLES = sorted((ROOT / "examples" / "c").glob("*.c"))
missing = set()
# The tools that the current step lacks.
absent = []


class Failed(Exception):
    pass


def run(*command, env=None, cwd=None, quiet=True, expect=0):
    """Run a command; unless it exits as expected, fail with everything that it printed."""
    command = [str(one) for one in command]
    env = {**os.environ, "RUST_BACKTRACE": "0", "LC_ALL": "C.UTF-8", **(env or {})}
    done = subprocess.run(command, env=env, cwd=cwd, text=True, errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if expect is not None and done.returncode != expect:
        raise Failed(f"{' '.join(command)}\nended with {done.returncode}, not {expect}\n{done.stdout}")
    if not quiet:
        print(done.stdout, end="")
    return done.stdout


def needs(*tools):
    """Whether all of these tools are installed. A tool is a program, or a package of pkg-config."""
    lacking = [tool for tool in tools if not (shutil.which(tool) or has_package(tool))]
    absent.extend(tool for tool in lacking if tool not in absent)
    missing.update(lacking)
    return not lacking


def skipped(what):
    """Report what is skipped, here and in the list that tests/run.sh prints at the end."""
    print(f"    SKIPPED {what}", flush=True)
    if listed := os.environ.get("VMTEMPLATE_SKIPPED"):
        with open(listed, "a") as lines:
            lines.write(f"SKIPPED {what}\n")


def has_package(name):
    return shutil.which("pkg-config") and not subprocess.run(
        ["pkg-config", "--exists", name], env=pkg_config(), stderr=subprocess.DEVNULL, check=False).returncode


def pkg_config(prefix=PREFIX):
    return {**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}


def flags(*packages, static=False, prefix=PREFIX):
    more = ["--static"] if static else []
    return run("pkg-config", "--cflags", "--libs", *more, *packages, env=pkg_config(prefix)).split()


def loader(prefix=PREFIX):
    return {"LD_LIBRARY_PATH": f"{prefix}/lib", "VMT_ROOT": str(ROOT)}


def at_once(work, items):
    """Call it for each item, on one thread per CPU."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, items))


def install(prefix, *features):
    run(*CARGO, "build", "--quiet", "-p", "vmtemplate-c", *features, cwd=ROOT)
    shutil.rmtree(prefix, ignore_errors=True)
    run("sh", BINDING / "install.sh", env={"BUILT": str(TARGET / "debug"), "PREFIX": str(prefix), "DESTDIR": "",
                                           "LIBDIR": ""})


def compile_c(source, out, *more, cpp=False, packages=("vmtemplate",), prefix=PREFIX):
    out = WORK / out
    run("g++" if cpp else "gcc", *(CPP if cpp else C99), f"-I{HERE}", source, *(["-x", "none"] if cpp else []),
        "-o", out, *more, *flags(*packages, prefix=prefix), "-lpthread")
    return out


# --- the steps -------------------------------------------------------------------------------------------------------

def step_install():
    """The library is installed as Linux expects it, and DESTDIR allows packaging it."""
    install(PREFIX)
    version, abi = (re.search(rf'#define {name} "?([\d.]+)', header.HEADER.read_text())[1]
                    for name in ("VMT_VERSION", "VMT_ABI_VERSION"))
    lib = PREFIX / "lib"
    assert os.readlink(lib / "libvmtemplate.so") == f"libvmtemplate.so.{abi}"
    assert os.readlink(lib / f"libvmtemplate.so.{abi}") == f"libvmtemplate.so.{version}"
    with tempfile.TemporaryDirectory() as package:
        run("sh", BINDING / "install.sh", env={"BUILT": str(TARGET / "debug"), "PREFIX": "/usr", "DESTDIR": package,
                                               "LIBDIR": "/usr/lib/x86_64-linux-gnu"})
        multiarch = pathlib.Path(package, "usr/lib/x86_64-linux-gnu")
        assert "libdir=/usr/lib/x86_64-linux-gnu" in (multiarch / "pkgconfig/vmtemplate.pc").read_text()
        assert package not in (multiarch / "pkgconfig/vmtemplate.pc").read_text()
        assert "/../../../../" not in (multiarch / "cmake/vmtemplate/vmtemplate-config.cmake").read_text()
        assert "../../../.." in (multiarch / "cmake/vmtemplate/vmtemplate-config.cmake").read_text()
    if needs("readelf"):
        # The loader of a linked program looks for the number of the ABI only.
        soname = re.findall(r"\(SONAME\).*\[(.*)\]", run("readelf", "-d", lib / "libvmtemplate.so"))
        assert soname == [f"libvmtemplate.so.{abi}"], soname
    if needs("pkg-config"):
        assert run("pkg-config", "--modversion", "vmtemplate", env=pkg_config()).strip() == version


def step_symbols():
    """The shared library exports the functions of the header and nothing else."""
    if not needs("nm"):
        return
    lines = run("nm", "-D", "--defined-only", PREFIX / "lib/libvmtemplate.so").splitlines()
    exported = {line.split()[-1] for line in lines}
    declared = {name for _, name, _ in header.functions()}
    assert exported == declared, f"exported and declared differ: {exported ^ declared}"


def step_abi():
    """The functions, constants and structs of the header match abi.txt."""
    if not needs("gcc"):
        return
    lines = ['#include <stdio.h>', '#include <vmtemplate.h>', "int main(void) {"]
    for name in header.constants():
        if name not in ("VMT_VERSION", "VMT_VERSION_MAJOR", "VMT_VERSION_MINOR", "VMT_VERSION_PATCH"):
            lines.append(f'printf("constant {name} %lld\\n", (long long)({name}));')
    for name, fields in header.structs():
        # Others may grow at their end: the library knows the size of the caller's, or returns a pointer to its own.
        if not header.grows(name, fields):
            lines.append(f'printf("struct {name} %zu bytes\\n", sizeof({name}));')
        lines.extend(f'printf("field {name}.{field} at %zu, %zu bytes\\n", offsetof({name}, {field}), '
                     f'sizeof((({name} *)0)->{field}));' for field in fields)
    source = WORK / "abi.c"
    source.write_text("\n".join(lines) + "\nreturn 0; }\n")
    run("gcc", "-std=c99", f"-I{BINDING}/include", source, "-o", WORK / "abi")
    found = sorted(run(WORK / "abi").splitlines())
    found += sorted(f"function {kind} {name}({', '.join(kind for kind, _ in arguments)})"
                    for kind, name, arguments in header.functions())
    held = BINDING / "abi.txt"
    if os.environ.get("UPDATE_ABI"):
        held.write_text("\n".join(found) + "\n")
    before = held.read_text().splitlines()
    if found != before:
        difference = "\n".join(difflib.unified_diff(before, found, "abi.txt", "the header", lineterm="", n=0))
        gone = set(before) - set(found)
        raise Failed(f"{difference}\n" + (
            "programs that were linked before cannot go on: raise VMT_ABI_VERSION, then UPDATE_ABI=1" if gone
            else "it has grown, which harms nobody: write abi.txt anew with UPDATE_ABI=1"))


def step_coverage():
    """A handwritten test calls every function of the header."""
    tests = "".join((HERE / f"test_{name}.c").read_text() for name in TESTS)
    never = [name for _, name, _ in header.functions() if not re.search(rf"\b{name}\(", tests)]
    assert not never, f"without a test: {never}"


def step_tests():
    """The tests pass."""
    if not needs("gcc", "pkg-config", "cmocka", "libcjson"):
        return
    for name in TESTS:
        said = run(compile_test(name), env=loader())
        print(f"    {name}: {re.search(r'PASSED  . (.*)', said)[1]}")


def compile_test(name, *more, out=None):
    return compile_c(HERE / f"test_{name}.c", out or f"test_{name}", *more,
                     packages=("vmtemplate", "cmocka", "libcjson"))


def step_nulls():
    """NULL in every position of every function does no harm."""
    if needs("gcc", "pkg-config", "cmocka"):
        print("    " + run(compile_nulls(), env=loader()), end="")


def compile_nulls(*more, out="nulls", prefix=PREFIX):
    source = WORK / "nulls.c"
    source.write_text(run(sys.executable, "-B", HERE / "nulls.py"))
    return compile_c(source, out, *more, packages=("vmtemplate", "cmocka"), prefix=prefix)


def step_examples():
    """The examples compile without a warning as C99 and as C++17, and do what they claim."""
    if not needs("gcc", "g++", "pkg-config"):
        return
    built = {}
    for source in EXAMPLES:
        compile_c(source, f"{source.stem}-cpp", cpp=True)
        built[source.stem] = compile_c(source, source.stem)
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder, "win.raw")
        image.write_bytes(bytes(range(256)) * 4096 + bytes(3 << 20))
        archive, drive = f"{folder}/win.tar.gz", f"{folder}/drive.img"
        for suffix in ("", "-cpp"):
            pathlib.Path(archive).unlink(missing_ok=True)
            pathlib.Path(drive).unlink(missing_ok=True)
            said = run(f"{built['pack']}{suffix}", image, archive, env=loader())
            assert "[" + "#" * 50 + "]" in said and " had to be read" in said, said
            said = run(f"{built['check']}{suffix}", archive, env=loader(), expect=1)
            assert "error [VMT" in said and "of them errors" in said, said
            run(f"{built['drive']}{suffix}", archive, drive, "IP=192.0.2.10", "PASS=a b&c", env=loader())
            assert os.path.getsize(drive) == 1048576
        # The program of the README; the image that it names does not exist.
        readme = WORK / "readme.c"
        block = re.search(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S)[1]
        readme.write_text(f"#include <stdio.h>\n#include <vmtemplate.h>\nint main(void)\n{{\n{block}}}\n")
        said = run(compile_c(readme, "readme"), env=loader(), cwd=folder)
        assert "win2019.qcow2" in said, said
        windows = pathlib.Path(folder, "windows.raw")
        windows.write_bytes(gzip.decompress((ROOT / "tests/fixtures/windows-bios.raw.gz").read_bytes()))
        said = run(built["registry"], windows, "SOFTWARE", "Microsoft\\Windows NT\\CurrentVersion", env=loader())
        assert "ProductName (REG_SZ) = Windows" in said, said
        said = run(built["registry"], windows, "SYSTEM", "Select", env=loader())
        assert "Current (REG_DWORD) = 1" in said, said
        said = run(built["registry"], windows, "SYSTEM", "NoSuch", env=loader(), expect=1)
        assert "the hive has no key `NoSuch`" in said, said
        run(built["registry"], image, "SYSTEM", "Select", env=loader(), expect=1)
        run(built["pack"], image, archive, env=loader(), expect=1)
        run(built["drive"], archive, f"{folder}/no.img", "IP=nowhere", env=loader(), expect=1)
        run(built["check"], f"{folder}/no", env=loader(), expect=2)


def step_static():
    """A program can be linked with the static library."""
    if not needs("gcc", "pkg-config"):
        return
    static = [PREFIX / "lib/libvmtemplate.a" if flag == "-lvmtemplate" else flag
              for flag in flags("vmtemplate", static=True)]
    run("gcc", *C99, EXAMPLES[0], "-o", WORK / "static", *static)
    assert "error [VMT" in run(WORK / "static", HERE, expect=None) or EXAMPLES[0].stem == "check"


def step_cmake():
    """CMake finds the library, shared and static."""
    if not needs("cmake", "make", "gcc"):
        return
    build = WORK / "consumer"
    shutil.rmtree(build, ignore_errors=True)
    run("cmake", "-S", HERE / "consumer", "-B", build, f"-DCMAKE_PREFIX_PATH={PREFIX}",
        f"-DEXAMPLES={ROOT}/examples/c")
    run("cmake", "--build", build)
    for kind in ("vmtemplate", "static"):
        assert "usage: " in run(build / f"check_{kind}", expect=2)


def step_valgrind():
    """No test leaks memory or reads invalid memory."""
    if not needs("gcc", "pkg-config", "cmocka", "libcjson", "valgrind"):
        return
    def look(program):
        run("valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible",
            f"--suppressions={HERE}/valgrind.supp", "--error-exitcode=9", "--fair-sched=yes", program, env=loader())
    # The longest step starts first.
    at_once(look, sorted([compile_nulls(), *map(compile_test, TESTS)], key=lambda path: path.stem != "test_vectors"))


def step_sanitizers():
    """The C side is clean under AddressSanitizer (including leaks) and UndefinedBehaviorSanitizer."""
    if not needs("gcc", "pkg-config", "cmocka", "libcjson"):
        return
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-O1"]
    programs = [compile_test(name, *sanitize, out=f"asan_{name}") for name in TESTS]
    at_once(lambda program: run(program, env={**loader(), "ASAN_OPTIONS": "detect_leaks=1"}),
            [*programs, compile_nulls(*sanitize, out="asan_nulls")])


def step_panics():
    """A panic in any function becomes an error with its message."""
    if not needs("gcc", "pkg-config", "cmocka"):
        return
    install(PANICS, "--features", "test-panics")
    said = run(compile_nulls(out="panics-nulls", prefix=PANICS), "panics", env=loader(PANICS))
    print("    " + said.splitlines()[-1])
    # The target folder ends up with the library of the normal build.
    run(*CARGO, "build", "--quiet", "-p", "vmtemplate-c", cwd=ROOT)


STEPS = [step_install, step_symbols, step_abi, step_coverage, step_tests, step_nulls, step_examples, step_static,
         step_cmake, step_valgrind, step_sanitizers, step_panics]


def main():
    wanted = sys.argv[1:]
    WORK.mkdir(parents=True, exist_ok=True)
    failed = []
    for step in STEPS:
        name = step.__name__[len("step_"):]
        if wanted and name not in wanted:
            continue
        absent.clear()
        start = time.monotonic()
        print(f"C {name}: {step.__doc__}", flush=True)
        try:
            step()
        except (Failed, AssertionError) as error:
            failed.append(name)
            print(f"C {name} FAILED: {error}", flush=True)
        print(f"    {time.monotonic() - start:.0f} s", flush=True)
        for tool in absent:
            skipped(f"C {name}: `{tool}` is not installed")
    if missing and os.environ.get("CI"):
        failed.append("missing tools: " + ", ".join(sorted(missing)))
    if failed:
        sys.exit("the C library failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
