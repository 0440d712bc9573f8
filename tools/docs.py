"""Build the documentation site into build/site and check it: ``make docs``.

Pages are written to be read in the repository too, so their links are those of the repository. This gathers docs/ and
the pages at the root into build/pages, turns each link into one of the site, or of the repository on the web where the
site has no such page, lets zensical build in strict mode, and checks the result: every link and anchor leads
somewhere, and nothing is loaded from elsewhere. Two comments in pages of docs/api are replaced:

- ``<!-- inherited: mezon.ext.commands.Bot -->``: links to the public members that a class inherits;
- ``<!-- members: mezon.Socket -->``: a table of the public members of a class, or of the classes of a module, that the
  page does not show apart, each with its parameters and a sentence; ``<!-- members: mezon.Socket without a b -->``
  leaves two of them out, and ``<!-- members: mezon.Socket by name -->`` leaves out the parameters.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import griffe
import yaml

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = ROOT / "build" / "pages"
SITE: Final = ROOT / "build" / "site"
#: Pages in the root of the repository and their names on the site.
ROOT_PAGES: Final = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
#: Files that zensical loads from a CDN for the offline search; the site bundles them.
SHIM: Final = "https://unpkg.com/iframe-worker/shim"
SHIM_FILE: Final = "assets/iframe-worker.js"

_LINK = re.compile(r"(\]\()(?!https?://|mailto:|#)([^)#\s]+)((?:#[\w.-]+)?\))")
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.M | re.S)
_TABLE = re.compile(r"^<!-- (inherited|members): ([\w.]+)( by name)?(?: without ([\w ]+))? -->$", re.M)
_SHOWN = re.compile(r"^::: ([\w.]+)$", re.M)


class Config(NamedTuple):
    """The used settings of mkdocs.yml."""

    site_url: str
    repo_url: str
    #: Navigation title of each page by path; sections are joined with " / ".
    titles: dict[str, str]


def configuration() -> Config:
    """Read mkdocs.yml."""
    raw = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    return Config(raw["site_url"], raw["extra"]["repository"], dict(_titles(raw["nav"])))


def _titles(nav: list[Any], above: str = "") -> Iterator[tuple[str, str]]:
    for entry in nav:
        for title, target in entry.items():
            if isinstance(target, list):
                yield from _titles(target, f"{above}{title} / ")
            else:
                yield target, f"{above}{title}"


# ---- gathering


def sources() -> dict[Path, str]:
    """Return the site path of each file by its path in the repository."""
    found = {
        path: path.relative_to(ROOT / "docs").as_posix()
        for path in (ROOT / "docs").rglob("*")
        if path.is_file()
    }
    found |= {ROOT / name: target for name, target in ROOT_PAGES.items() if (ROOT / name).exists()}
    return found


def gather(config: Config) -> None:
    """Write build/pages."""
    shutil.rmtree(PAGES, ignore_errors=True)
    known = sources()
    tables = MemberTables()
    for source, target in known.items():
        place = PAGES / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text = relinked(source, target, known, config)
            place.write_text(
                _TABLE.sub(lambda match, page=source: tables.render(*match.groups(), page), text), "utf-8"
            )
        else:
            shutil.copyfile(source, place)


class MemberTables:
    """Renders tables of the members of classes from the docstrings of the package."""

    def __init__(self) -> None:
        self.package = griffe.load("mezon", search_paths=[ROOT / "python"], resolve_aliases=True)
        #: Page and displayed name of each class that a page of docs/api shows, by its canonical path.
        self.shown: dict[str, tuple[Path, str]] = {}
        for page in sorted((ROOT / "docs" / "api").glob("*.md")):
            for name in _SHOWN.findall(page.read_text("utf-8")):
                found = self.found(name)
                if isinstance(found, griffe.Class):
                    self.shown[found.canonical_path] = (page, name)

    def found(self, name: str) -> Any:
        """Return the object of a dotted name that begins with the package."""
        found = self.package[name.removeprefix("mezon.")]
        return found.final_target if found.is_alias else found

    def render(self, kind: str, name: str, by_name: str | None, without: str | None, page: Path) -> str:
        """Return a table, or a list of links, as Markdown."""
        of = self.found(name)
        if kind == "members":
            apart = set(_SHOWN.findall(page.read_text("utf-8")))
            apart |= {f"{name}.{member}" for member in (without or "").split()}
            members = [
                member
                for member in (_public(of.all_members) if of.is_class else _classes(of))
                if f"{name}.{member.name}" not in apart and not member.name.startswith("on_")
            ]
            return _table(name, members, parameters=not by_name)
        parts = []
        seen = set(of.members)
        bases = [base for base in of.mro() if base.canonical_path in self.shown]
        for base in bases:
            where, display = self.shown[base.canonical_path]
            link = Path(os.path.relpath(where, page.parent)).as_posix() if where != page else ""
            # A class shows its own members and those of its bases that no page shows.
            elsewhere = {name for one in base.mro() if one in bases for name in one.members} - set(
                base.members
            )
            members = [one for one in _public(base.all_members) if one.name not in seen | elsewhere]
            seen |= {member.name for member in members}
            links = [
                f"[`{member.name}`]({link}#{display}.{member.name})"
                for member in members
                if not member.name.startswith("on_")
            ]
            if len(links) < len(members):
                links.append("and the helpers `on_*` of [events](../guide/events.md)")
            parts.append(f"Inherited from [`{base.name}`]({link}#{display}): {', '.join(links)}.")
        return "\n\n".join(parts)


def _public(members: dict[str, Any]) -> list[Any]:
    """Return the documented public members, sorted by name."""
    found = []
    for name, member in sorted(members.items()):
        target = member.final_target if member.is_alias else member
        if not name.startswith("_") and target.docstring and (target.is_function or target.is_attribute):
            found.append(target)
    return found


def _classes(module: Any) -> list[Any]:
    """Return the exported classes of a module, sorted by name."""
    members = (module.members[str(name)] for name in sorted(module.exports, key=str))
    found = (member.final_target if member.is_alias else member for member in members)
    return [member for member in found if member.is_class]


def _table(name: str, members: list[Any], *, parameters: bool) -> str:
    """Return a table of members with their parameters, the first sentences of their docstrings, and anchors."""
    lines = ["| member | purpose |", "|---|---|"]
    for member in members:
        shown = f"`{member.name}`"
        summary = " ".join(member.docstring.value.split("\n\n")[0].split())
        # What another member describes has the parameters there.
        if member.is_function and parameters and " see ``" not in summary:
            names = (
                parameter.name for parameter in member.parameters if parameter.name not in ("self", "cls")
            )
            shown += f" ({', '.join(names)})"
        anchor = f'<a id="{name}.{member.name}"></a>'
        lines.append(f"| {anchor}{shown} | {summary.replace('|', '&#124;').replace('``', '`')} |")
    return "\n".join(lines)


def relinked(source: Path, target: str, known: dict[Path, str], config: Config) -> str:
    """Return a page with its links rewritten for the site."""

    def turn(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        meant = Path(os.path.normpath(source.parent / link))
        if meant in known:
            return f"{before}{Path(os.path.relpath(known[meant], Path(target).parent)).as_posix()}{after}"
        if not meant.is_relative_to(ROOT) or not meant.exists():
            raise SystemExit(f"{source.relative_to(ROOT)}: the link {link} leads nowhere")
        kind = "tree" if meant.is_dir() else "blob"
        return f"{before}{config.repo_url}/{kind}/main/{meant.relative_to(ROOT).as_posix()}{after}"

    # Links inside code are left alone.
    parts = _CODE.split(source.read_text("utf-8"))
    return "".join(part if place % 2 else _LINK.sub(turn, part) for place, part in enumerate(parts))


# ---- finishing


def finish(config: Config) -> None:
    """Bundle the external files and write llms.txt."""
    for page in SITE.rglob("*.html"):
        text = page.read_text("utf-8")
        if SHIM in text:
            base = config.site_url if page.name == "404.html" else ""
            shim = (
                f"{base}{SHIM_FILE}"
                if base
                else Path(os.path.relpath(SITE / SHIM_FILE, page.parent)).as_posix()
            )
            page.write_text(text.replace(SHIM, shim), "utf-8")
    (SITE / "llms.txt").write_text(llms(config), "utf-8")
    for target in config.titles:
        place = SITE / target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PAGES / target, place)


def llms(config: Config) -> str:
    """Return the list of pages for language models (llmstxt.org); the site has each page as Markdown, too."""
    lines = ["# mezon-rs", ""]
    lines += [f"> {summary(PAGES / 'index.md')}", ""]
    section = ""
    for target, title in config.titles.items():
        above, _, name = title.rpartition(" / ")
        if (above or "Pages") != section:
            section = above or "Pages"
            lines += ["", f"## {section}", ""]
        told = summary(PAGES / target)
        lines.append(f"- [{name}]({config.site_url}{target})" + (f": {told}" if told else ""))
    return "\n".join(lines) + "\n"


def summary(page: Path) -> str:
    """Return the first sentence below the title of a page that describes the page, as plain text."""
    text = _CODE.sub(lambda match: "" if "\n" in match[0] else match[0].strip("`"), page.read_text("utf-8"))
    for paragraph in text.split("\n\n"):
        line = " ".join(paragraph.split())
        if line and line[0] not in "#<|:!-" and not line.startswith("In these snippets"):
            plain = re.sub(r"\[([^\]]+)\]\([^)]*\)|[*]", r"\1", line)
            return re.split(r"(?<=[.!?]) ", plain)[0].rstrip(":")
    return ""


# ---- checking


class Page(HTMLParser):
    """Links, anchors and loaded files of a built page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Record the links, anchors and files of a tag."""
        values = dict(attributes)
        for name in ("id", "name"):
            if values.get(name):
                self.anchors.add(str(values[name]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag in ("script", "img", "iframe", "source", "video") and values.get("src"):
            self.loaded.append(str(values["src"]))
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload") and values.get("href"):
            self.loaded.append(str(values["href"]))


def faults(config: Config) -> Iterator[str]:
    """Yield the problems of the built site."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(SITE.rglob("*.html"))}
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links are those of the published site
        where = path.relative_to(SITE)
        for target in page.loaded:
            if urlsplit(target).scheme:
                yield f"{where}: loads {target} from elsewhere"
            elif not (path.parent / unquote(urlsplit(target).path)).exists():
                yield f"{where}: {target} is not there"
        for link in page.links:
            yield from _link_faults(config, path, link, pages)
    for target in config.titles:
        if not (SITE / target).with_suffix(".html").exists():
            yield f"{target} is in the navigation and was not built"


def _link_faults(config: Config, path: Path, link: str, pages: dict[Path, Page]) -> Iterator[str]:
    where = path.relative_to(SITE)
    parts = urlsplit(link)
    blob = f"{config.repo_url}/blob/main/"
    if link.startswith(blob) and not (ROOT / link.removeprefix(blob).partition("#")[0]).exists():
        yield f"{where}: {link} is not in the repository"
    if parts.scheme or parts.netloc:
        return
    meant = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
    if not meant.exists():
        yield f"{where}: {link} leads nowhere"
    elif parts.fragment and meant in pages and unquote(parts.fragment) not in pages[meant].anchors:
        yield f"{where}: {link} names no anchor"


# ---- the command


def build() -> None:
    """Gather, build, finish and check. Exits with 1 on any problem."""
    config = configuration()
    gather(config)
    zensical = Path(sys.executable).with_name("zensical")
    shutil.rmtree(SITE, ignore_errors=True)
    built = subprocess.run(
        [zensical, "build", "--strict", "--clean"],
        cwd=ROOT,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    sys.stdout.write(built.stdout)
    # zensical reports unparsable docstrings without failing.
    if built.returncode or "griffe: " in built.stdout:
        raise SystemExit("the build has warnings: see above")
    finish(config)
    found = list(faults(config))
    if found:
        raise SystemExit("\n".join([*found, f"{len(found)} faults in build/site"]))
    pages = sum(1 for _ in SITE.rglob("*.html"))
    sys.stdout.write(f"build/site: {pages} pages, every link leads somewhere; open build/site/index.html\n")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Build and check the documentation site.")
    parser.add_argument("--gather", action="store_true", help="only write build/pages, for another builder")
    if parser.parse_args().gather:
        gather(configuration())
    else:
        build()


if __name__ == "__main__":
    main()
