"""check_api.py <Doxygen's xml folder>: every name that the library declares in a public namespace has a `///`. Members of
layers and augmentations follow the protocol of their concept and need none of their own."""
import pathlib
import sys
import xml.etree.ElementTree as xml


def documented(node) -> bool:
    return any("".join(node.find(tag).itertext()).strip() for tag in ("briefdescription", "detaileddescription"))


def main():
    folder = pathlib.Path(sys.argv[1])
    names = {}  # (namespace, name) -> (is it documented, where)

    def note(namespace, name, node):
        if namespace.startswith("std") or "detail" in namespace.split("::"):
            return
        where = node.find("location")
        before = names.get((namespace, name), (False, None))
        names[namespace, name] = (before[0] or documented(node), f"{where.get('file')}:{where.get('line')}")

    for compound in xml.parse(folder / "index.xml").getroot():
        kind, full = compound.get("kind"), compound.find("name").text
        if kind not in ("struct", "class", "union", "concept", "namespace"):
            continue
        node = xml.parse(folder / f"{compound.get('refid')}.xml").getroot().find("compounddef")
        if kind == "namespace":
            for member in node.iter("memberdef"):
                note(full, member.find("name").text, member)
            continue
        scope = full.split("<")[0].rpartition("::")[0]
        if scope == "pretext" or scope.startswith("pretext::") and (folder / namespace_file(scope)).exists():
            note(scope, full.split("<")[0].rpartition("::")[2], node)

    missing = sorted((where, f"{scope}::{name}") for (scope, name), (is_documented, where) in names.items() if not is_documented)
    for where, name in missing:
        print(f"{where}: {name} has no ///", file=sys.stderr)
    print(f"{len(names) - len(missing)} of {len(names)} public names are documented")
    return 1 if missing or len(names) < 300 else 0


def namespace_file(scope: str) -> str:
    return "namespace" + scope.replace("_", "__").replace("::", "_1_1") + ".xml"


if __name__ == "__main__":
    sys.exit(main())
