"""The reference pages are what the code says, every plugin has one, and the examples in them are accepted."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from ferryman.docs import reference
from ferryman.java import properties
from ferryman.plugins import catalog
from ferryman.settings import settings
from ferryman.settings.settings import Settings
from ferryman.validation import connector_config, plugin_infos
from ferryman.worker import connector_file
from tests.places import ROOT

DOCS = ROOT / "docs"
PAGES = sorted((DOCS / "connectors").glob("*.md"))
FENCE = re.compile(r"^```(json|properties)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(syntax, text, id=f"{page.stem}-{number}")
    for page in [ROOT / "README.md", *PAGES]
    for number, (syntax, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")), 1)
]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
ANCHOR = re.compile(r"\[[^\]]*\]\(([^)#\s]*)#([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CONVERTERS = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
}


def provider_lines() -> str:
    """What the page about security tells people to write into the worker's file."""
    blocks = [text for _, text in FENCE.findall((DOCS / "security.md").read_text(encoding="utf-8"))]
    (found,) = (each for each in blocks if "config.providers" in each)
    return str(found)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """A worker that resolves references as the page says; its environment has what the examples refer to."""
    for _, text in (example.values for example in EXAMPLES):
        for name in re.findall(r"\$\{env:(\w+)\}", str(text)):
            monkeypatch.setenv(name, "a-placeholder")
    lines = {
        key: str(tmp_path) if key.endswith(".allowed.paths") else value
        for key, value in properties.load(provider_lines().encode()).items()
    }
    found = settings.parse({**CONVERTERS, **lines})
    assert found.warnings == ()
    return found


def test_no_page_is_stale() -> None:
    stale = [
        str(path.relative_to(ROOT))
        for path, text in reference.pages(DOCS).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "bring them up to date: python -m ferryman.docs.reference"


@pytest.mark.parametrize("kind", get_args(catalog.Kind))
def test_every_plugin_has_a_page_of_its_own(kind: catalog.Kind) -> None:
    pages = [DOCS / reference.FOLDERS[kind] / reference.page_name(plugin) for plugin in reference.ours(kind)]
    assert pages
    assert len(set(pages)) == len(pages)
    assert [page for page in pages if not page.is_file()] == []


@pytest.mark.parametrize("folder", sorted(set(reference.FOLDERS.values())))
def test_no_page_is_about_a_plugin_that_is_gone(folder: str) -> None:
    kinds = [kind for kind in get_args(catalog.Kind) if reference.FOLDERS[kind] == folder]
    known = {reference.page_name(plugin) for kind in kinds for plugin in reference.ours(kind)}
    assert {page.name for page in (DOCS / folder).glob("*.md")} - known == set()


def test_a_page_names_every_key_of_its_plugin() -> None:
    for kind in get_args(catalog.Kind):
        for plugin in reference.ours(kind):
            page = DOCS / reference.FOLDERS[kind] / reference.page_name(plugin)
            own = plugin.config_class.keys() - plugin_infos.frame(plugin.config_class).keys()
            assert [key for key in sorted(own) if f"`{key}`" not in page.read_text(encoding="utf-8")] == []


def test_every_connector_page_has_a_place_for_its_keys() -> None:
    assert reference.homeless(DOCS) == []


def test_a_connector_without_a_page_or_a_place_for_its_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "file-sink.md").write_text("# A page\n")
    for page in ("file-sink.md", "file-source.md"):
        assert any(
            text.startswith(f"{tmp_path / 'connectors' / page} is missing, or") for text in reference.homeless(tmp_path)
        )


def test_writing_keeps_what_stands_around_the_keys(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    for page in PAGES:
        (tmp_path / "connectors" / page.name).write_text(
            f"before\n{reference.BEGIN}\n| stale |\n{reference.END}\nafter\n"
        )
    reference.write(tmp_path)
    for page in PAGES:
        text = (tmp_path / "connectors" / page.name).read_text()
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        assert "| stale |" not in text
    assert reference.write(tmp_path) == []


@pytest.mark.parametrize(("syntax", "text"), EXAMPLES)
def test_an_example_is_accepted_without_a_warning(syntax: str, text: str, worker: Settings) -> None:
    if syntax == "json" and "connector.class" not in text:
        json.loads(text)
    elif syntax == "properties" and "connector.class" not in text:
        assert settings.parse(properties.load(text.encode())).warnings == ()
    else:
        found = connector_file.parse(text.encode(), f".{syntax}")
        assert connector_config.check(found.config, worker).warnings == ()


def test_every_connector_page_has_an_example() -> None:
    assert [page.name for page in PAGES if not FENCE.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.rglob("*.md")], ids=lambda page: str(page.name))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.rglob("*.md")], ids=lambda page: str(page.name))
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    links = [link for link in ANCHOR.findall(page.read_text(encoding="utf-8")) if "://" not in link[0]]
    assert [link for link in links if link[1] not in anchors((page.parent / link[0]) if link[0] else page)] == []


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links, as GitHub makes it of them."""
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set[Path](), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page not in reached and page.suffix == ".md" and page.is_file():
            reached.add(page)
            waiting += [page.parent / link for link in LINK.findall(page.read_text(encoding="utf-8"))]
    assert set(DOCS.rglob("*.md")) - reached == set()
