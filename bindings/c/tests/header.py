"""Parses the functions, structs and constants of vmtemplate.h, for the other scripts in this folder."""
import pathlib
import re

HEADER = pathlib.Path(__file__).resolve().parent.parent / "include" / "vmtemplate.h"


def text():
    """The header without its comments."""
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)


def split_type(declaration):
    """Split `const char *name` into (`const char *`, `name`)."""
    match = re.fullmatch(r"(.*?)(\w+)", declaration.strip(), flags=re.S)
    return " ".join(match[1].split()).replace("* ", "*"), match[2]


def functions():
    """Each function as (return type, name, [(type, name), ...])."""
    found = []
    for line in re.findall(r"^[a-z][^;{}#]*\bvmt_\w+\([^;]*\);", text(), flags=re.M):
        if line.startswith("typedef"):
            continue
        head, arguments = re.fullmatch(r"(.*?)\((.*)\);", line, flags=re.S).groups()
        kind, name = split_type(head)
        arguments = [] if arguments.strip() == "void" else [split_type(one) for one in arguments.split(",")]
        found.append((kind, name, arguments))
    # A prototype that the pattern misses would not be tested.
    seen = {name for _, name, _ in found}
    for name in re.findall(r"\b(vmt_\w+)\(", text()):
        assert name in seen, f"{name}() of the header was not understood"
    return found


def structs():
    """Each struct with public fields, as (name, [field, ...])."""
    return [
        (name, [split_type(field)[1] for field in body.split(";")[:-1]])
        for body, name in re.findall(r"typedef struct \w* ?\{(.*?)\} (\w+);", text(), flags=re.S)
    ]


def grows(name, fields):
    """Whether a later version may add fields to a struct: it has its size, or no program ever has one of its own."""
    own = re.search(rf"(?<!const )\b{name} [*\w]", text())
    return "struct_size" in fields or not own


def constants():
    """Each numeric constant of the header."""
    return re.findall(r"^#define (VMT_\w+) ", text(), flags=re.M)
