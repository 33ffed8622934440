"""Writes nulls.c, which calls every function of the header with only NULLs, and with a single NULL in each position.

It is generated from the header, so that no function is forgotten. A new type of argument does not compile until
nulls_samples.h has a sample of it. With the argument `panics` and a library that was built with the feature
`test-panics`, the same calls must all fail with VMT_PANIC and its message.
"""
import re

import header

# Arguments for which NULL means "none" or "the default".
NULL_IS_GOOD = {"options", "pack", "entry", "padding", "file_name", "language", "password", "dd", "limits", "spec"}
# Texts that a function must accept before it reads its other arguments; "x" is enough for all other texts.
TEXTS = {
    "padding": "zeros",
    "key": "osname",
    "archive": "sample.tar.gz",
    "path": "sample.tar.gz",
    "path that is written": "out",
    "folder": "repo",
    "json": "{}",
    "assignment": "IP=192.0.2.1",
}
# Functions that return NULL without an error if a value does not exist.
NULL_IS_AN_ANSWER = {"vmt_image_windows"}


def sample(kind, name, place):
    """A value of this type that is not NULL, and the statements that it needs before and after the call."""
    if kind == "vmt_error **":
        return "&err", "", ""
    handle = re.fullmatch(r"(const )?(vmt_\w+) \*", kind)
    if handle and handle[2].endswith(("_options", "_source", "_limits", "_spec", "_extent_kind", "_unmet", "_hibernation")):
        local = f"a{place}"
        if handle[2] == "vmt_limits" or not handle[1]:
            return f"&{local}", f"{handle[2]} {local};", ""
        return f"&{local}", f"VMT_STRUCT({handle[2]}, {local});", ""
    if handle and handle[1]:
        return f"samples.{handle[2]}", "", ""
    if handle:  # the call may change, consume or free it, so it gets its own; a second free does nothing
        local = f"a{place}"
        return local, f"{handle[2]} *{local} = fresh_{handle[2]}();", f"{handle[2]}_free({local});"
    out = re.fullmatch(r"(vmt_\w+) \*\*", kind)
    if out:
        local = f"a{place}"
        return f"&{local}", f"{out[1]} *{local} = NULL;", f"{out[1]}_free({local});"
    if kind == "const char *const *":
        return "texts", "", ""
    if kind in ("const char *", "const uint8_t *"):
        return f'({kind})"{TEXTS.get(name, "x")}"', "", ""
    if kind in ("size_t *", "bool *", "uint32_t *", "uint64_t *"):
        local = f"a{place}"
        return f"&{local}", f"{kind[:-1]}{local};", ""
    if kind == "uint8_t *":
        return "buffer", "", ""
    if kind == "void *":
        return "&samples", "", ""
    if re.fullmatch(r"vmt_\w+_fn", kind):
        return f"sample_{kind}", "", ""
    if kind == "vmt_limits":
        return f"a{place}", f"vmt_limits a{place} = {{0, 0, 0, 0}};", ""
    if kind in ("size_t", "uint32_t", "uint64_t", "bool") or re.fullmatch(r"vmt_\w+", kind):
        return "1", "", ""
    raise SystemExit(f"nulls.py does not know how to make a `{kind}`")


def is_pointer(kind):
    return kind.endswith("*") or kind.endswith("_fn")


def call(result, name, arguments, null):
    """One call, with NULL at the positions `null`, and the assertions after it."""
    before, after, values = [], [], []
    for place, (kind, argument) in enumerate(arguments):
        # A sample that is overwritten would be missing for the calls after it.
        if argument == "path" and re.search("write|pack|iso", name):
            argument = "path that is written"
        value, prepare, tidy = sample(kind, argument, place)
        if place in null:
            value, prepare, tidy = ("NULL" if is_pointer(kind) else value), "", ""
            if not is_pointer(kind) and kind == "vmt_limits":
                value, prepare, tidy = sample(kind, argument, place)
        values.append(value)
        before.append(prepare)
        after.append(tidy)
    has_err = "&err" in values
    lines = [one for one in before if one]
    lines.append("err = (vmt_error *)&samples;" if has_err else "")
    shown = f"{name}({', '.join(values)})"
    lines.append(f'at = "{shown.replace(chr(34), chr(39))}";')
    returns = re.fullmatch(r"(const )?(vmt_\w+) \*", result)
    # NULL for a handle, a text or a callback is an error; elsewhere it means a default, or "none".
    refused = any(
        (re.fullmatch(r"(const )?vmt_\w+ \*", arguments[place][0])
         and not re.search(r"(_options|_limits|_unmet|_hibernation) \*$", arguments[place][0])
         or arguments[place][0] in ("const char *", "const uint8_t *", "const char *const *"))
        and arguments[place][1] not in NULL_IS_GOOD
        for place in null
    )
    if result == "void":
        lines.append(f"{shown};")
    elif result == "vmt_code" and name != "vmt_error_code":
        lines.append(f"{{ vmt_code code = {shown};")
        if has_err:
            lines.append(f"after(code != VMT_OK, {int(refused)}); }}")
        else:
            lines.append(f"bare(code, {int(refused)}); }}")
    elif returns and not returns[1]:
        lines.append(f"{{ {returns[2]} *made = {shown};")
        if has_err and name not in NULL_IS_AN_ANSWER:
            lines.append(f"after(made == NULL, {int(refused)});")
        elif has_err:
            lines.append("after(err != NULL, 0);")
        lines.append(f"{returns[2]}_free(made); }}")
    elif has_err:
        lines.append(f"{{ {result}got = {shown};")
        lines.append(f"after(got == NULL, {int(refused)}); }}")
    else:
        lines.append(f"{{ {result}{'' if result.endswith('*') else ' '}got = {shown};")
        if result.endswith("*"):
            lines.append(f"nothing(got == NULL, {int(refused)}); }}")
        else:
            lines.append(f"nothing(got == 0, {int(refused)}); }}")
    lines.extend(one for one in after if one)
    return "    {\n        " + "\n        ".join(one for one in lines if one) + "\n    }\n"


def main():
    out = ['#include "nulls_samples.h"\n']
    names = []
    for result, name, arguments in header.functions():
        everywhere = {place for place, (kind, _) in enumerate(arguments)}
        body = call(result, name, arguments, everywhere)
        pointers = [place for place, (kind, _) in enumerate(arguments) if is_pointer(kind)]
        for place in pointers:
            body += call(result, name, arguments, {place})
        if arguments:
            body += call(result, name, arguments, set())
        out.append(f"static void test_{name}(void)\n{{\n{body}}}\n")
        names.append(name)
    out.append("int main(int count, char **arguments)\n{\n    begin(count, arguments);\n")
    out.extend(f"    test_{name}();\n" for name in names)
    out.append(f"    return end({len(names)});\n}}")
    print("\n".join(out))


if __name__ == "__main__":
    main()
