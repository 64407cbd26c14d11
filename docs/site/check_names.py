"""check_names.py <root>: what the pages name exists. In docs/components.md every identifier in `backticks` of a table is
declared below include/, and the first of a row in the header that the row links to. In all pages, files in backticks
exist, C++ blocks are the marked parts of docs/snippets and examples/chapters, which the tests compile, the commands and
outputs of docs/chapters are those that the tests run and expect, docs/migration.md gives new names that exist, and docs/installing.md shows lines of tests/package, and CONTRIBUTING.md lists the folders in the order that the tests check."""
import pathlib
import re
import sys
import textwrap

import pages

CODE = re.compile(r"`([^`]+)`")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FILE = re.compile(r"[\w./-]+\.(hpp|cuh|cpp|cu|sh|cmake|md)")
SNIPPET = re.compile(r"^ *(?://|#) \[(\w+)\]\n(.*?)^ *(?://|#) \[/\1\]\n", re.M | re.S)
HISTORY = {"CHANGELOG.md", "migration.md"}  # they name what is gone


def alike(expected: str, shown: str):
    """As tests/chapters/compare_output.awk compares two words."""
    value, _, tolerance = expected.partition("±")
    if tolerance and re.fullmatch(r"-?[0-9.]+[,;:]?", shown):
        return abs(float(shown.rstrip(",;:")) - float(value)) <= float(tolerance.rstrip(",;:"))
    start, ellipsis, end = expected.partition("…")
    return shown.startswith(start) and shown.endswith(end) if ellipsis else expected == shown


def same(expected: str, shown: str):
    wanted, words = expected.split(), shown.split()
    enough = len(wanted) == len(words) or wanted and wanted[-1].endswith("…") and len(wanted) <= len(words)
    return enough and all(map(alike, wanted, words))


def printed(block: str, expected: str):
    """Are the lines of an output among those that a test expects?"""
    lines, wanted = block.splitlines(), expected.splitlines()
    return any(all(map(same, wanted[i:], lines)) for i in range(len(wanted) - len(lines) + 1))


def chapter_faults(page: pathlib.Path, folder: pathlib.Path):
    """Blocks of a chapter's page that are not in its folder."""
    if not (folder / "expected.txt").exists():
        return [f"docs/chapters/{page.name}: there is no {folder.name}/expected.txt in examples/chapters"]
    commands = {code for _, code in SNIPPET.findall((folder / "run.sh").read_text())}
    project = folder / "CMakeLists.txt"
    holds = {"sh": commands.__contains__,
             "text": lambda block: printed(block, (folder / "expected.txt").read_text()),
             "cmake": lambda block: block in project.read_text()}
    faults, shown = [], 0
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.M | re.S):
        shown += kind in ("sh", "text")
        if kind in holds and not holds[kind](block):
            faults.append(f"docs/chapters/{page.name}: this block is not in {folder.name}: {block.splitlines()[0]}")
    if shown < 2:
        faults.append(f"docs/chapters/{page.name}: shows no command or no output")
    return faults


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    faults = []
    headers = {path: re.sub(r"//.*|#include.*|\"[^\"\n]*\"", "", path.read_text()) for path in (root / "include").rglob("*.*h*")}
    declared = set()
    for text in headers.values():
        declared.update(WORD.findall(text))

    components = root / "docs" / "components.md"
    rows = 0
    for number, line in enumerate(pages.without_code(components.read_text()).split("\n"), 1):
        if not line.startswith("|"):
            continue
        where = f"{components.relative_to(root)}:{number}"
        names = [WORD.findall(code) for code in CODE.findall(line)]
        for name in sorted({word for words in names for word in words} - declared):
            faults.append(f"{where}: `{name}` is declared nowhere below include/")
        links = [target for _, target, *_ in pages.LINK.findall(line) if target.endswith((".hpp", ".cuh"))]
        if names and names[0] and links:
            rows += 1
            header = (components.parent / links[0]).resolve()
            if header not in headers:
                faults.append(f"{where}: {links[0]} does not exist")
            elif not re.search(rf"\b(?:struct|class|using|concept) {names[0][0]}\b|\b{names[0][0]}\(", headers[header]):
                faults.append(f"{where}: {links[0]} does not declare `{names[0][0]}`")
    if rows < 20:
        faults.append(f"docs/components.md: only {rows} rows name a component and its header")

    migration = root / "docs" / "migration.md"
    for number, line in enumerate(migration.read_text().split("\n"), 1):
        columns = line.split("|")
        if line.startswith("| `") and len(columns) > 3:
            for code in CODE.findall(columns[2]):
                if FILE.fullmatch(code):
                    if not (root / "include" / "pretext" / code).exists():
                        faults.append(f"docs/migration.md:{number}: there is no header {code}")
                elif not set(WORD.findall(code)) <= declared:
                    faults.append(f"docs/migration.md:{number}: `{code}` is declared nowhere below include/")

    chapters = root / "examples" / "chapters"
    sources = [*(root / "docs" / "snippets").iterdir(), *chapters.glob("*/*.[ch]pp")]
    snippets = {textwrap.dedent(code) for path in sources for _, code in SNIPPET.findall(path.read_text())}
    for page in sorted((root / "docs" / "chapters").glob("*.md")):
        faults += chapter_faults(page, chapters / page.stem.replace("-", "_"))
    places = [root, root / "include", root / "include" / "pretext", root / "tests", root / "docs", root / "examples"]
    for page in pages.roots(root):
        text = page.read_text()
        if page.name not in HISTORY:
            for code in CODE.findall(pages.without_code(text)):
                if FILE.fullmatch(code) and not any((place / code).exists() for place in places):
                    faults.append(f"{page.relative_to(root)}: there is no file {code}")
        if page.name != "README.md" or page.parent != root:  # whose block tests/programs/readme.sh compares
            for block in re.findall(r"^```cpp[^\n]*\n(.*?)^```", text, re.M | re.S):
                if block not in snippets:
                    faults.append(f"{page.relative_to(root)}: this C++ block is no part of docs/snippets: {block.splitlines()[0]}")

    consumers = [path.read_text() for name in ("CMakeLists.txt", "Makefile") for path in (root / "tests/package").glob(f"*/{name}")]
    consumers += [path.read_text() for path in (root / "tests/platforms").glob("*.cmake")]
    blocks = re.findall(r"^```(?:cmake|make)\n(.*?)^```", (root / "docs/installing.md").read_text(), re.M | re.S)
    for block in blocks:
        if not any(block in consumer for consumer in consumers):
            faults.append(f"docs/installing.md: these lines are in no project of tests/package or tests/platforms: {block.splitlines()[0]}")
    if len(blocks) < 4:
        faults.append(f"docs/installing.md: only {len(blocks)} blocks of CMake and make")

    order = re.search(r"set\(order ([^)]*)\)", (root / "tests/headers/architecture.cmake").read_text()).group(1).split()
    listed = re.search(r"^    core .*(?:\n +→ .*)*", (root / "CONTRIBUTING.md").read_text(), re.M)
    if not listed or listed.group(0).replace("→", " ").split() != order:
        faults.append(f"CONTRIBUTING.md does not list the folders as tests/headers/architecture.cmake does: {' '.join(order)}")

    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
