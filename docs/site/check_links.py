"""check_links.py <site>: every relative link of the site's HTML pages leads to a file there, and to an element of it."""
import html.parser
import pathlib
import sys
import urllib.parse


class page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(errors="replace"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.append(value)


# Doxygen links to the heading "Classes" of pages whose nested classes are all private, and does not write it.
DOXYGEN_MISSES = {"nested-classes"}


def main():
    site = pathlib.Path(sys.argv[1]).resolve()
    found = {path: page(path) for path in site.rglob("*.html")}
    faults, checked = [], 0
    for path, content in found.items():
        if path.name == "404.html":  # served for any address: its links start at the server's root
            continue
        for link in content.links:
            target = urllib.parse.urlparse(link)
            if target.scheme or target.netloc or link.startswith("#!"):
                continue
            checked += 1
            to = (path.parent / urllib.parse.unquote(target.path)).resolve() if target.path else path
            if to.is_dir():
                to = to / "index.html"
            fragment = urllib.parse.unquote(target.fragment)
            if not to.exists():
                faults.append(f"{path.relative_to(site)}: {link} leads nowhere")
            elif fragment and to in found and fragment not in found[to].anchors | DOXYGEN_MISSES:
                faults.append(f"{path.relative_to(site)}: {link} names no element of that page")
    for fault in faults[:50]:
        print(fault, file=sys.stderr)
    print(f"{checked} links in {len(found)} pages, {len(faults)} dead")
    return 1 if faults or checked < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
