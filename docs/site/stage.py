"""stage.py <root> <staged> [<api>]: copies the pages, and every file that they link to, below <staged>, as MkDocs wants
them. Links to public headers become links to the API reference. Fails on a link to a file that does not exist. Without
<api> it checks the links and copies nothing."""
import os
import pathlib
import shutil
import sys
import xml.etree.ElementTree as xml

import pages


def api_pages(api: pathlib.Path, root: pathlib.Path):
    """Header -> its page in the API reference."""
    found = {}
    for compound in xml.parse(api / "xml" / "index.xml").getroot():
        if compound.get("kind") == "file":
            definition = xml.parse(api / "xml" / f"{compound.get('refid')}.xml").getroot().find("compounddef")
            header = root / "include" / definition.find("location").get("file")
            if (api / "html" / f"{compound.get('refid')}.html").exists():
                found[header.resolve()] = f"{compound.get('refid')}.html"
    return found


def main():
    root, staged = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    api = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
    headers = api_pages(api, root) if api else {}
    faults, done, queue = [], set(), pages.roots(root)
    while queue:
        page = queue.pop().resolve()
        if page in done:
            continue
        done.add(page)
        text = page.read_text()
        prose, result, at = pages.without_code(text), [], 0

        # Blanked blocks keep no positions, so links are rewritten line by line.
        for line, visible in zip(text.split("\n"), prose.split("\n")):
            def rewrite(match):
                opening, target, closing = [g for g in match.groups() if g is not None]
                path, _, anchor = target.partition("#")
                if pages.is_external(target) or not path:
                    return match.group(0)
                to = (page.parent / path).resolve()
                if not to.is_file() or root not in to.parents:
                    faults.append(f"{page.relative_to(root)}: {target} is no file of this project")
                    return match.group(0)
                if to in headers:
                    target = os.path.relpath(root / "api" / headers[to], page.parent)
                elif to.suffix == ".md":
                    queue.append(to)
                elif api:
                    copy = staged / to.relative_to(root)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(to, copy)
                return opening + target + closing

            result.append(pages.LINK.sub(rewrite, line) if visible == line else line)
        if api:
            copy = staged / page.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text("\n".join(result))
    if api:
        (staged / "docs" / "site").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / "docs" / "site" / "extra.css", staged / "docs" / "site" / "extra.css")
        shutil.copytree(api / "html", staged / "api", dirs_exist_ok=True)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
