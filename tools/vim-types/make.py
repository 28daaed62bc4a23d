#!/usr/bin/env python3
"""Makes the table of vim25 types from the type tables of pyVmomi (Apache-2.0).

    pip install pyvmomi            # in an environment of its own
    tools/vim-types/make.py > emulators/vsphere/src/soap/types.tsv

What is read are the calls in `pyVmomi/_typeinfo_{core,query,vim}.py`; nothing of pyVmomi is run. What is written is described at the
head of what comes out. Names are those of the wire (WSDL), not those of VMODL.
"""

import ast
import importlib.metadata
import importlib.util
import pathlib
import sys

FLAGS = {"F_LINK": 1, "F_LINKABLE": 2, "F_OPTIONAL": 4, "F_SECRET": 8}
TABLES = ("core", "query", "vim")
PRIMITIVES = {
    "anyType": "anyType", "boolean": "boolean", "byte": "byte", "double": "double", "float": "float", "int": "int", "long": "long",
    "short": "short", "string": "string", "void": "void", "vmodl.DateTime": "dateTime", "vmodl.Binary": "base64Binary",
    "vmodl.URI": "string", "vmodl.PropertyPath": "string", "vmodl.MethodName": "string", "vmodl.TypeName": "string",
}
# Built into pyVmomi by hand, and so in none of its tables.
BUILT_IN = [
    ["vmodl.DataObject", "DataObject", None, "vmodl.version.version0", []],
    ["vmodl.MethodFault", "MethodFault", None, "vmodl.version.version0", [
        ("faultCause", "vmodl.MethodFault", "vmodl.version.version1", 4),
        ("faultMessage", "vmodl.LocalizableMessage[]", "vmodl.version.version1", 4)]],
    ["vmodl.RuntimeFault", "RuntimeFault", "vmodl.MethodFault", "vmodl.version.version0", []],
    ["vmodl.LocalizedMethodFault", "LocalizedMethodFault", "vmodl.DynamicData", "vmodl.version.version0", [
        ("fault", "the fault itself", "vmodl.version.version0", 0),
        ("localizedMessage", "string", "vmodl.version.version0", 4)]],
]
HEAD = """\
# The data, enumeration and managed types of vim25 and its methods, in the names of the wire.
# Made by tools/vim-types/make.py from pyVmomi {version}, Copyright (c) 2006-2026 Broadcom, Apache-2.0; see types.NOTICE.md.
#
# One row a line, its cells separated by tabs. A rank says since which version of the interface something is there.
# version  RANK ID            client versions, oldest first
# enum     NAME WORD...
# data     NAME BASE RANK FIELD...       "-" for no base
# managed  NAME BASE RANK FIELD...       its fields are its properties
# method   OWNER NAME RANK RESULT PARAMETER...
# FIELD, PARAMETER: NAME:TYPE, then "?" if it may be left out, then "@RANK" if it came later than what it belongs to.
# TYPE: a name of this table or of XML Schema; "*NAME" for a reference to a managed object; "[]" behind it for any number of them.
"""


def calls(path):
    """The calls at the top of a file, as (function, arguments)."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            if isinstance(call.func, ast.Name):
                yield call.func.id, [value(argument) for argument in call.args]


def value(node):
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [value(element) for element in node.elts]
    if isinstance(node, ast.Name):
        return FLAGS[node.id]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return value(node.left) | value(node.right)
    raise ValueError(ast.dump(node))


def read():
    folder = pathlib.Path(importlib.util.find_spec("pyVmomi").origin).parent
    read = {"CreateDataType": [*BUILT_IN], "CreateEnumType": [], "CreateManagedType": [], "AddVersion": [], "AddVersionParent": []}
    read["CreateManagedType"].append(["vmodl.ManagedObject", "ManagedObject", None, "vmodl.version.version0", [], []])
    for table in TABLES:
        for function, arguments in calls(folder / f"_typeinfo_{table}.py"):
            if function in read:
                read[function].append(arguments)
    return read


class Names:
    def __init__(self, read):
        self.wire = dict(PRIMITIVES)
        self.managed = {row[0] for row in read["CreateManagedType"]}
        for kind in ("CreateDataType", "CreateEnumType", "CreateManagedType"):
            self.wire.update({row[0]: row[1] for row in read[kind]})
        bases = {row[0]: row[2] for row in read["CreateDataType"]}
        self.faults = {name for name in bases if "vmodl.MethodFault" in ancestry(name, bases)}

    def of(self, name, flags=0):
        if name == "the fault itself":
            return "MethodFault"
        if name.endswith("[]"):
            return self.of(name[:-2], flags) + "[]"
        # A link is written as the key of what it leads to.
        if flags & FLAGS["F_LINK"]:
            return "string"
        # A fault as a value comes with its message.
        if name in self.faults:
            return "LocalizedMethodFault"
        return ("*" if name in self.managed else "") + self.wire[name]


def ancestry(name, bases):
    while name is not None:
        yield name
        name = bases.get(name)


def ranks(read):
    """The versions in an order in which each comes after all that it contains; those before the first client version are one."""
    parents = {}
    for version, parent in read["AddVersionParent"]:
        parents.setdefault(version, set()).add(parent)
    clients = {row[0]: row[2] for row in read["AddVersion"] if row[0].startswith("vim.version.")}
    order = sorted(clients, key=lambda version: (len(parents.get(version, ())), version))
    rank = {version: place for place, version in enumerate(order, 1)}
    return rank, [(rank[version], clients[version]) for version in order]


def field(row, names, own, rank):
    name, kind, version, flags = row[:4]
    since = rank.get(version, 0)
    later = f"@{since}" if since > own else ""
    return f"{name}:{names.of(kind, flags)}{'?' if flags & FLAGS['F_OPTIONAL'] else ''}{later}"


def rows():
    found = read()
    names = Names(found)
    rank, clients = ranks(found)
    for place, client in clients:
        yield "version", str(place), client
    for _, wire, _, words in sorted(found["CreateEnumType"], key=lambda row: row[1]):
        yield "enum", wire, *words
    for _, wire, base, version, fields in sorted(found["CreateDataType"], key=lambda row: row[1]):
        own = rank.get(version, 0)
        yield "data", wire, names.wire[base] if base else "-", str(own), *(field(row, names, own, rank) for row in fields or ())
    for _, wire, base, version, fields, methods in sorted(found["CreateManagedType"], key=lambda row: row[1]):
        own = rank.get(version, 0)
        yield "managed", wire, names.wire[base] if base else "-", str(own), *(field(row, names, own, rank) for row in fields or ())
        for _, name, since, parameters, result, *_ in methods or ():
            at = rank.get(since, 0)
            answer = names.of(result[1]) + ("?" if result[0] & FLAGS["F_OPTIONAL"] else "")
            yield "method", wire, name, str(at), answer, *(field(row, names, at, rank) for row in parameters)


def main():
    sys.stdout.write(HEAD.format(version=importlib.metadata.version("pyvmomi")))
    for row in rows():
        sys.stdout.write("\t".join(row) + "\n")


main()
