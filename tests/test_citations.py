"""What the code and the documents cite must be there for every reader."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPECIFICATION = ROOT / "docs" / "doc-to-lora-spec.md"
PACKAGES = ("app", "engine", "packaging", "storage", "tests")

_CITED = re.compile(r"doc-to-lora-spec\.md,\s+sections?\s+([\d.]+)(?:\s+(?:and|to)\s+([\d.]+))?")


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def cited_sections() -> Iterator[tuple[Path, str]]:
    for path in sources():
        for match in _CITED.finditer(path.read_text(encoding="utf-8")):
            for section in match.groups():
                if section is not None:
                    yield path, section.rstrip(".")


def test_each_cited_section_of_the_specification_exists() -> None:
    text = SPECIFICATION.read_text(encoding="utf-8")
    headings = set(re.findall(r"^#+ ([\d.]*\d)\.? ", text, flags=re.MULTILINE))
    cited = list(cited_sections())
    assert len(cited) > 10  # else the expression no longer finds them
    assert [(str(path), section) for path, section in cited if section not in headings] == []


def test_nothing_is_cited_by_a_name_that_only_its_authors_know() -> None:
    vague = re.compile(r"\bspec(?:ification)?,? (?:sections? )?\d")
    assert [str(path) for path in sources() if vague.search(path.read_text(encoding="utf-8"))] == []


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
