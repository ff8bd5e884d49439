"""The page in a headless Chromium: it renders, sorts, filters, links, and neither complains nor asks anybody."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import browser
import page_inputs
from thermark.report.page import build

pytestmark = pytest.mark.skipif(
    browser.found() is None, reason="no Chromium here: apt-get install chromium shows that the page works in one"
)
NASTY = '<img src=x onerror="window.hit=1">\'</script><b>&amp;\u2028'
SPEEDS = {"good": {"ms": 12.5, "parameters": 6e6, "note": "boxes: prompt"}, "fair": {"ms": 3.0, "note": ""}}
ROWS = "[data-part]:not([hidden]) [data-board] tbody tr:not([hidden])"
NAMES = f"[...document.querySelectorAll('{ROWS}')].map(r => r.dataset.name)"
DRAWN = "[...document.querySelectorAll('[data-part]:not([hidden]) .chart')].every(c => c.querySelector('svg'))"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with browser.running() as address:
        yield address


@pytest.fixture
def in_view(address):
    """Return a function that opens a page, does something in it, and holds it against the rules.

    No error, and nothing asked of anybody.
    """

    async def run(do: Callable[[browser.Tab], Awaitable[None]], url: str, **options) -> None:
        async with browser.tab(address, url, **options) as tab:
            await do(tab)
            assert tab.errors == []
            requests = [each for each in tab.requests if not each.startswith("data:")]
            assert requests == [url.partition("#")[0]], requests

    return lambda do, url, **options: asyncio.run(run(do, url, **options))


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    """Return a page of two data sets with comparisons, and a contestant with a nasty name on the second."""
    first, other = page_inputs.inputs(), page_inputs.inputs(NASTY)
    sets = {"small": first.sets["small"], "odd": _renamed(other.sets["small"])}
    given = replace(
        first,
        sets=sets,
        errors={"small": first.errors["small"], "odd": other.errors["small"]},
        comparisons=page_inputs.compared(sets),
        speeds=SPEEDS,
        budget=[
            {"head": "h", "labels": labels, "native_mean": 9.0, "low": 8.0, "high": 10.0} for labels in (10, 80)
        ],
    )
    return _written(given, tmp_path_factory.mktemp("page"))


def _renamed(results):
    data_set = results.data_set.model_copy(update={"name": "odd", "title": "Odd, rendered"})
    records = tuple(each.model_copy(update={"dataset": "odd"}) for each in results.records)
    return results.model_copy(update={"data_set": data_set, "records": records})


def _written(given, folder: Path) -> str:
    build.build(given, build.Config(), folder)
    return (folder / "index.html").as_uri()


async def scrolled(tab: browser.Tab) -> None:
    """Bring everything into view once, so that all figures are drawn."""
    await tab.run("document.querySelectorAll('.chart').forEach(c => c.scrollIntoView())")
    for _ in range(40):
        if await tab.run(DRAWN):
            return
        await tab.run(
            "[...document.querySelectorAll('[data-part]:not([hidden]) .chart')].find(c => !c.querySelector('svg'))"
            ".scrollIntoView()"
        )
        await asyncio.sleep(0.1)
    raise AssertionError("a figure was not drawn")


@pytest.mark.slow
def test_it_renders_all_figures_in_both_themes_and_on_a_phone(in_view, url):
    async def do(tab: browser.Tab) -> None:
        await scrolled(tab)
        assert await tab.run("document.querySelectorAll('[data-part]:not([hidden]) .chart svg').length") >= 7
        assert "good" in await tab.run("document.querySelector('.chart[data-figure=ced-small]').textContent")
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")

    for width, dark in ((1400, False), (1400, True), (390, False), (390, True)):
        in_view(do, url, width=width, dark=dark)


def test_a_header_sorts_by_mouse_and_by_keyboard(in_view, url):
    async def do(tab: browser.Tab) -> None:
        assert await tab.run(NAMES) == ["good", "fair", "poor"]
        header = "[...document.querySelectorAll('[data-board=small] thead button')]"
        await tab.run(f"{header}.find(b => b.textContent === 'found, %').click()")
        await tab.until(f"({NAMES})[0] === 'poor'")
        await tab.run(f"{header}.find(b => b.textContent === 'ms').focus()")
        await tab.key("Enter", 13)
        await tab.until(f"JSON.stringify({NAMES}) === JSON.stringify(['fair', 'good', 'poor'])")
        await tab.key("Enter", 13)  # the other way round; who was not timed stays last
        await tab.until(f"JSON.stringify({NAMES}) === JSON.stringify(['good', 'fair', 'poor'])")
        assert await tab.run("document.querySelectorAll('[data-board=small] th[aria-sort]').length") == 1

    in_view(do, url)


def test_filters_choose_rows_and_answers(in_view, url):
    change = (
        "(n, v) => { const f = document.getElementById('filters').elements[n]; f.value = v;"
        " f.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    best = "document.querySelector('[data-answer=small] .best').textContent.trim()"

    async def do(tab: browser.Tab) -> None:
        assert await tab.run(best) == "good"
        await tab.run(f"({change})('trained', 'other')")
        assert await tab.run(NAMES) == ["fair", "poor"] and await tab.run(best) == "fair"
        await tab.run(f"({change})('boxes', 'found')")
        assert await tab.run(NAMES) == ["poor"] and await tab.run(best) == "poor"
        assert await tab.run("document.getElementById('count').textContent") == "1 of 3 contestants below"
        await tab.run(f"({change})('boxes', 'given'); ({change})('trained', 'rgb')")
        assert await tab.run(NAMES) == [] and await tab.run(best) == "none"
        await tab.run(f"({change})('boxes', 'any'); ({change})('trained', 'any'); ({change})('text', 'OO')")
        assert await tab.run(NAMES) == ["good", "poor"]

    in_view(do, url)


def test_a_link_opens_a_card_and_closing_it_stays(in_view, url):
    opened = "document.getElementById('card').open"

    async def do(tab: browser.Tab) -> None:
        await tab.until(opened)
        text = await tab.run("document.getElementById('card').textContent")
        for phrase in (
            "fair",
            "on Odd, rendered",
            "12 faces, 4 subjects",
            "p" * 64,
            "not measured",
            "rendered data only",
        ):
            assert phrase in text, phrase
        assert await tab.run("document.querySelector('[data-part=odd]').hidden") is False
        assert await tab.run("document.querySelector('[data-part=small]').hidden") is True
        await tab.key("Escape", 27)
        await tab.until(f"!{opened} && location.hash === '#odd'")
        await tab.run("location.hash = '#small/idle'")
        await tab.until(f"{opened} && document.getElementById('card').textContent.includes('needs 300 MB')")
        await tab.run("history.back()")
        await tab.until(f"!{opened}")

    in_view(do, f"{url}#odd/fair")


def test_a_name_opens_its_card_by_keyboard_and_odd_links_do_nothing(in_view, url):
    async def do(tab: browser.Tab) -> None:
        for odd in ("#nowhere/nobody", "#small/nobody", "#%E0%A4%A/x", "#__proto__/constructor"):
            await tab.run(f"location.hash = '{odd}'")
            assert await tab.run("document.getElementById('card').open") is False
        await tab.run("document.querySelector('[data-board=small] tbody a').focus()")
        await tab.key("Enter", 13)
        await tab.until("document.getElementById('card').open && location.hash === '#small/good'")

    in_view(do, url)


def test_the_button_turns_the_theme_and_figures_with_it(in_view, url):
    ink = "document.querySelector('.chart[data-figure=ced-small] svg .role-axis-label text')?.getAttribute('fill')"
    ground = "getComputedStyle(document.body).backgroundColor"

    async def do(tab: browser.Tab) -> None:
        await scrolled(tab)
        await tab.run("document.querySelector('.chart[data-figure=ced-small]').scrollIntoView()")
        before, light = await tab.run(ink), await tab.run(ground)
        assert before and light == "rgb(255, 255, 255)"
        await tab.run("document.getElementById('theme').click()")
        await tab.until(f"{ink} && {ink} !== '{before}'")
        assert await tab.run(ground) != light

    in_view(do, url)


def test_a_name_is_never_more_than_text(in_view, url):
    async def do(tab: browser.Tab) -> None:
        await tab.run("location.hash = '#odd'")
        await scrolled(tab)
        assert NASTY in await tab.run(NAMES)
        await tab.run("document.querySelector(`[data-part=odd] tr[data-name^='<img'] a`).click()")
        await tab.until("document.getElementById('card').open")
        assert await tab.run("document.getElementById('card-title').textContent") == NASTY
        svg = "document.querySelector('.chart[data-figure=ced-odd]').textContent"
        assert "<img src=x" in await tab.run(svg)
        # Tooltips are made by the library from data: they are text as well.
        await tab.run("document.getElementById('card').close()")
        await tab.run(
            "document.querySelectorAll('[data-part=odd] .chart svg path').forEach(p => "
            "p.dispatchEvent(new MouseEvent('mousemove', {bubbles: true, clientX: 5, clientY: 5})))"
        )
        assert await tab.run("window.hit === undefined && !document.querySelector('img, b b, script[src]')")

    in_view(do, url)


def test_a_script_that_got_in_would_not_run(address, url, tmp_path):
    """The policy is a second wall: even markup that escaping had missed runs nothing and loads nothing."""
    broken = tmp_path / "broken.html"
    page = Path(url.removeprefix("file://")).read_text(encoding="utf-8")
    got_in = "<script>window.hit = 1</script><img src='http://192.0.2.1/x.png' onerror='window.hit = 1'>"
    broken.write_text(page.replace("<main id=", f"{got_in}<main id="), encoding="utf-8")

    async def run() -> None:
        async with browser.tab(address, broken.as_uri()) as tab:
            assert await tab.run("window.hit") is None
            # Chromium tells of a request that it then refuses to make.
            requests = [each for each in tab.requests if each.startswith("http")]
            assert tab.blocked == ["csp"] * len(requests)
            assert any("Content Security Policy" in each for each in tab.errors)

    asyncio.run(run())


def test_it_is_read_without_scripts(in_view, url):
    async def do(tab: browser.Tab) -> None:
        text = await tab.run("document.body.innerText")
        for phrase in (
            "Which model is best for your case?",
            "100.00",
            "needs 300 MB",
            "Odd, rendered",
            "Small, rendered",
        ):
            assert phrase in text, phrase
        assert await tab.run("getComputedStyle(document.getElementById('filters')).display") == "none"
        assert await tab.run("getComputedStyle(document.querySelector('.alt')).display") != "none"

    in_view(do, url, scripts=False)
