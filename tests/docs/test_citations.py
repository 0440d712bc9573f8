"""Citations of pages in comments and docstrings lead to existing headings, and pages name existing files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from docs_pages import PAGES, ROOT, anchor, headings, prose, table

#: The folders with code.
FOLDERS: Final = ("python", "src", "tests", "benches", "tools", "examples")
SOURCES: Final = [
    ROOT / "build.rs",
    *(
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".pyi", ".rs") and path != Path(__file__) and not path.stem.endswith("_pb2")
    ),
]

#: Citations of these long pages need a heading.
WITH_HEADING: Final = {"docs/protocol.md", "docs/contract.md"}

_CITATION = re.compile(r'\b(docs/[\w/-]+\.md)(?:#([\w-]+)|, \\?"([^"\\]+)\\?")?')
#: The next line of the same comment or docstring.
_NEXT_LINE = re.compile(r"\n[ \t]*(?://[/!]?|#:?)?[ \t]*")


class Citation(NamedTuple):
    """A citation of a page, or of a heading of it, in a file."""

    file: str
    page: str
    place: str | None


def cited_in(text: str, file: str) -> list[Citation]:
    """Find the citations of a text: ``docs/protocol.md, "Heading"``, ``docs/protocol.md#anchor``, ``docs/page.md``."""
    line = _NEXT_LINE.sub(" ", text)
    found = []
    for page, place, heading in _CITATION.findall(line):
        found.append(Citation(file, page, place or (anchor(heading) if heading else None)))
    return found


CITATIONS: Final = sorted(
    {
        citation
        for path in SOURCES
        for citation in cited_in(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    },
    key=str,
)


def test_the_forms_of_a_citation_are_found() -> None:
    text = 'see docs/protocol.md, "Raw API\n    // answers" and docs/a.md#b, docs/guide/c.md'
    assert [(one.page, one.place) for one in cited_in(text, "x")] == [
        ("docs/protocol.md", "raw-api-answers"),
        ("docs/a.md", "b"),
        ("docs/guide/c.md", None),
    ]


def test_the_facts_are_cited() -> None:
    pages = {citation.page for citation in CITATIONS}
    assert pages >= WITH_HEADING
    assert len(CITATIONS) >= 20


@pytest.mark.parametrize("citation", CITATIONS, ids=lambda one: f"{one.file}-{one.page}-{one.place}")
def test_a_citation_leads_somewhere(citation: Citation) -> None:
    page = ROOT / citation.page
    assert page.is_file()
    if citation.place is not None:
        assert citation.place in map(anchor, headings(page))
    elif citation.page in WITH_HEADING:
        # Tests of the documentation may cite a whole page.
        assert citation.file.startswith("tests/docs/"), "cite a heading"


def test_nothing_outside_the_repository_is_cited() -> None:
    foreign = re.compile("(?:protocol|contract) README|wire facts|protocol facts|[.][.]/shared")
    assert [
        f"{path.relative_to(ROOT)}: {match}"
        for path in SOURCES
        for match in foreign.findall(path.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_anchors_of_links(page: Path) -> None:
    """A link with an anchor leads to a heading of this or another page."""
    lost = []
    for target, place in re.findall(r"\]\((?!https?://|mailto:)([^)#\s]*)#([\w-]+)\)", prose(page)):
        other = (page.parent / target).resolve() if target else page
        if other.suffix == ".md" and place not in map(anchor, headings(other)):
            lost.append(f"{target}#{place}")
    assert lost == []


#: The changelog may name removed files.
CURRENT_PAGES: Final = [page for page in PAGES if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_a_page_names_are_there(page: Path) -> None:
    named = re.findall(
        r"`((?:src|python|tests|docs|tools|benches|examples|proto)/[\w./-]+?)(?:::[\w:]+)?`", prose(page)
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_architecture_answers_each_question_with_one_file() -> None:
    rows = table(ROOT / "ARCHITECTURE.md", "## Questions")
    assert len(rows) == 7
    for question, answer in rows:
        (file,) = re.findall(r"[\w/]+\.(?:rs|py|md)(?=`|#)", answer)
        assert question.endswith("?")
        assert (ROOT / file).is_file()


def test_architecture_lists_every_room() -> None:
    """The block of "The rooms" lists exactly the folders and files at the top of `src` and `python/mezon`."""
    rooms = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## The rooms")[2].partition("```\n")[2]
    named: dict[str, set[str]] = {}
    folder = ""
    for line in rooms.partition("```")[0].splitlines():
        indent, names = len(line) - len(line.lstrip()), line.strip().partition("   ")[0].split()
        if indent == 0:
            folder = names[0]
        elif indent == 2:
            named.setdefault(folder, set()).update(name.rpartition("/")[0] or name for name in names)
    for folder, facade in (("src/", {"lib.rs"}), ("python/mezon/", {"__init__.py", "py.typed"})):
        there = {
            path.name
            for path in (ROOT / folder).iterdir()
            if path.name != "__pycache__" and path.suffix not in (".so", ".pyd")
        }
        assert there - facade == named[folder]
