"""Every figure on a page of results can be followed: to rows with file and line, or to the list that has them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from commandcenter.analysis.portfolio import standings
from commandcenter.analysis.tests.factories import analyse, finding, messages
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.dashboard.tests.conftest import World, signed_in

VOID = {"br", "input", "img", "meta", "link", "hr", "wbr", "path", "circle", "line", "rect"}


class Figures(HTMLParser):
    """Collects the figures of a page, each with whether it leads anywhere."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.text, self.linked = "", False
        self.stats: list[tuple[str, bool]] = []
        self.rows: list[tuple[str, bool]] = []
        self._row_text, self._row_leads = "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        classes = dict(attrs).get("class") or ""
        self.open.append((tag, classes))
        if tag == "dd" and "note" not in classes:
            self.text, self.linked = "", False
        if tag == "tr":
            self._row_text, self._row_leads = "", False
        if tag == "a" and dict(attrs).get("href"):
            self.linked = self._row_leads = True
        if tag == "td" and "path" in classes.split():
            self._row_leads = True

    def handle_data(self, data: str) -> None:
        self.text += data
        if any(tag == "td" and "num" in classes.split() for tag, classes in self.open):
            self._row_text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        _tag, classes = self.open.pop()
        inside_stat = any("stat" in outer.split() for _name, outer in self.open)
        if tag == "dd" and inside_stat and "note" not in classes and re.search(r"\d", self.text):
            self.stats.append((self.text.strip(), self.linked))
        if tag == "tr" and re.search(r"\d", self._row_text):
            self.rows.append((self._row_text.strip(), self._row_leads))


def figures(content: str) -> Figures:
    found = Figures()
    found.feed(content)
    return found


def pages(world: World) -> list[str]:
    work = ("/jobs/", "/system/")
    lists = [
        "/",
        "/portfolio/",
        "/repositories/",
        "/analyses/",
        "/rules/",
        "/dependencies/",
        "/dependencies/?q=django",
        "/exports/",
    ]
    technologies = ["/technologies/radar/", "/technologies/drift/", "/technologies/uses/?name=Django"]
    return [*lists, *technologies, *(path for path in world.paths() if not path.startswith(work))]


def test_every_figure_leads_somewhere(world: World) -> None:
    client = signed_in(world.viewer)
    seen = 0
    for path in [*pages(world), f"/analyses/{world.analysis.pk}/compare/"]:
        found = figures(client.get(path).content.decode())
        seen += len(found.stats) + len(found.rows)
        assert [text for text, leads in found.stats if not leads] == [], path
        assert [text for text, leads in found.rows if not leads] == [], path
    assert seen > 30


def test_what_figures_lead_to_exists(world: World) -> None:
    client = signed_in(world.viewer)
    targets: set[str] = set()
    for path in pages(world):
        content = client.get(path).content.decode()
        main = content[max(content.find("<main"), 0) :]  # a fragment has none
        targets |= {
            href.replace("&amp;", "&").partition("#")[0]
            for href in re.findall(
                r'href="(/(?:analyses|findings|repositories|dependencies|technologies|exports)/[^"]*)"', main
            )
        }
    assert len(targets) > 20
    for target in sorted(targets):
        assert client.get(target).status_code == 200, target


def test_the_overview_counts_what_the_list_of_findings_shows(world: World) -> None:
    client = signed_in(world.viewer)

    def counted() -> int:
        return int(client.get("/").context["stats"]["open_findings"]["critical"])

    listed = client.get("/findings/", {"severity": "critical"}).context["page"].rows
    assert counted() == len(listed) == 1
    suppress([listed[0].pk], by=world.operator, reason="A test account's.")
    assert counted() == len(client.get("/findings/", {"severity": "critical"}).context["page"].rows) == 0


def test_the_portfolio_counts_the_repositories_as_they_stand_now(world: World) -> None:
    client = signed_in(world.viewer)
    standings.refresh_all(seconds=30)
    before = client.get("/portfolio/").context["today"]
    assert (before["repositories"], before["analysed"]) == (1, 1)
    analyse(world.repository, messages([finding("kept"), finding("second", severity="critical")]))
    standings.refresh_all(seconds=30)
    now = client.get("/portfolio/").context["today"]
    rows = client.get("/findings/", {"severity": "critical"}).context["page"].rows
    assert now["critical"] == len(rows) == 1


def test_findings_of_an_analysis_are_narrowed_by_state(world: World) -> None:
    client, path = signed_in(world.viewer), f"/analyses/{world.analysis.pk}/findings/"
    new = client.get(path, {"state": "new"}).context["page"].rows
    assert [row.path for row in new] == ["src/fresh.py"]
    assert [row.path for row in client.get(path, {"state": "existing"}).context["page"].rows] == [
        "src/kept.py"
    ]


def test_reasons_of_the_portfolio_lead_to_what_they_count(world: World) -> None:
    standings.refresh_all(seconds=30)
    content = signed_in(world.viewer).get("/portfolio/").content.decode()
    for severity in ("critical", "high"):
        assert f'href="/findings/?repository={world.repository.pk}&amp;severity={severity}"' in content
