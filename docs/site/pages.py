"""What the documentation's scripts share: the pages, and the Markdown links in them."""
import pathlib
import re

LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))|(src=\")([^\"]+)(\")")
FENCE = re.compile(r"^(```+)", re.M)


def roots(root: pathlib.Path):
    """The pages that the site starts from."""
    return [root / n for n in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted((root / "docs").rglob("*.md"))


def without_code(text: str) -> str:
    """The text with fenced blocks blanked, line for line."""
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
            lines.append("")
        else:
            lines.append("" if fenced else line)
    return "\n".join(lines)


def is_external(target: str) -> bool:
    return re.match(r"[a-z]+:", target) is not None
