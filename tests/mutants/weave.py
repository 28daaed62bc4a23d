"""Weaves all seeded bugs into one tree, each behind a switch, so that one build serves them all.

A patch changes the bodies of functions. The woven function has every body, and asks at run time which one is wanted:

    fn f(..) -> T {
        if crate::seeded_bug(7) { the body as patch 7 has it } else { the body as it is }
    }

The switch is the number in the environment variable SWITCHBACK_SEEDED_BUG, read once. Without it the program is the
one without a mistake.
"""

import difflib
import pathlib
import re
import subprocess

LOOKS = re.compile(r"const fn (\w+\([^)]*&(?!'))")
FUNCTION = re.compile(r"^(\s*)(?:pub(?:\([a-z]+\))? )?(?:const )?fn (\w+)")
SWITCH = '''
/// Whether the seeded bug with this number is planted.
pub fn seeded_bug(number: u32) -> bool {
    static PLANTED: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let read = || std::env::var("SWITCHBACK_SEEDED_BUG").ok().and_then(|it| it.parse().ok()).unwrap_or(0);
    *PLANTED.get_or_init(read) == number
}
'''


class NotWoven(Exception):
    """A patch that changes something other than the body of a function."""


def functions(lines):
    """Each function as (first line of the signature, line that opens the body, line that closes it)."""
    found = []
    for at, line in enumerate(lines):
        head = FUNCTION.match(line)
        if not head or line.endswith("}"):
            continue
        indent = head.group(1)
        opens = next((i for i in range(at, len(lines)) if lines[i].endswith("{")), len(lines))
        closes = next((i for i in range(opens, len(lines)) if lines[i] == indent + "}"), None)
        # What a macro takes apart may begin like a function and not end like one.
        if closes is not None:
            found.append((at, opens, closes))
    return found


def changed_bodies(before, after):
    """The numbers of the functions whose bodies differ, and the bodies as they are afterwards."""
    old, new = functions(before), functions(after)
    if len(old) != len(new):
        raise NotWoven("functions come or go")
    bodies = {}
    for tag, first, last, _, _ in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        within = [n for n, (_, opens, closes) in enumerate(old) if opens < first and max(first, last - 1) <= closes]
        if not within:
            raise NotWoven(f"line {first + 1} is in no body")
        number = within[-1]
        bodies[number] = after[new[number][1] + 1 : new[number][2]]
    return bodies


def woven(before, variants, path_of_switch):
    """The lines of a file with the bodies of all variants, a list of (number of the bug, bodies)."""
    lines = no_longer_const(before, {number for _, bodies in variants for number in bodies})
    for number, (_, opens, closes) in reversed(list(enumerate(functions(before)))):
        bodies = [(bug, bodies[number]) for bug, bodies in variants if number in bodies]
        if not bodies:
            continue
        body = []
        for bug, patched in bodies:
            body += [f"if {path_of_switch}::seeded_bug({bug}) {{", *patched, "} else"]
        body[-1:] = ["} else {", *before[opens + 1 : closes], "}"]
        lines[opens + 1 : closes] = body
    return lines


def no_longer_const(before, numbers):
    """The lines of a file in which these functions, and those of the file that call them, are not `const`."""
    lines, found, numbers = list(before), functions(before), set(numbers)
    names = lambda: [FUNCTION.match(before[found[number][0]]).group(2) for number in numbers]
    calls = lambda at: any(f"{name}(" in line for name in names() for line in before[found[at][1] + 1 : found[at][2]])
    while more := {at for at in range(len(found)) if at not in numbers and "const fn" in before[found[at][0]] and calls(at)}:
        numbers |= more
    for number in numbers:
        head = found[number][0]
        lines[head] = lines[head].replace("const fn", "fn", 1)
    return lines


def loosen(tree):
    """Whoever calls from another file what is not `const` any more cannot be `const` either: whoever looks at something need not be."""
    for room in ("engine", "emulators", "harness"):
        for path in sorted((tree / room).rglob("src/**/*.rs")):
            lines = read(path)
            looking = {at for at, (head, _, _) in enumerate(functions(lines)) if LOOKS.search(lines[head])}
            if looking:
                write(path, no_longer_const(lines, looking))


def weave(tree, patches):
    """Weaves (number, path) patches into a clean tree; gives the patches that cannot be, with the reason."""
    tree, left_out, variants, clean = pathlib.Path(tree), {}, {}, {}
    for bug, path in patches:
        try:
            for name, before, after in applied(tree, path):
                bodies = changed_bodies(before, after)
                clean[name] = before
                variants.setdefault(name, []).append((bug, bodies))
        except NotWoven as why:
            left_out[bug] = str(why)
    for name, before in clean.items():
        switch = "crate" if name.startswith("engine/") else "switchback_engine"
        write(tree / name, woven(before, variants[name], switch))
    loosen(tree)
    library = tree / "engine/src/lib.rs"
    library.write_text(library.read_text(encoding="utf-8") + SWITCH, encoding="utf-8")
    return left_out


def applied(tree, patch):
    """Each file that a patch changes: its name, its lines before and after. The tree stays as it was."""
    names = re.findall(r"^\+\+\+ b/(\S+)$", patch.read_text(encoding="utf-8"), re.MULTILINE)
    before = {name: read(tree / name) for name in names}
    done = subprocess.run(
        ["patch", "-p1", "--quiet", "-i", str(patch)], cwd=tree, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise NotWoven("does not apply")
    after = {name: read(tree / name) for name in names}
    for name in names:
        write(tree / name, before[name])
        (tree / (name + ".orig")).unlink(missing_ok=True)
    return [(name, before[name], after[name]) for name in names]


def read(path):
    return path.read_text(encoding="utf-8").split("\n")


def write(path, lines):
    path.write_text("\n".join(lines), encoding="utf-8")
