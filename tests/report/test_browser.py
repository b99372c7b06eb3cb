"""The page in a real browser: Debian's Chromium, offline, light and dark, wide and narrow, and on paper."""

from pathlib import Path

import pytest

from rrm_tree.report import write_reports

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(browser, chess_run, tmp_path):
    """The chess tree's page by width and scheme, with all that the console said."""
    said, path = [], write_reports(chess_run, tmp_path)

    def open_page(width, scheme):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            offline=True,
            java_script_enabled=True,
        )
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(request.url))
        page.goto(Path(path).as_uri())
        return page

    open_page.said = said
    return open_page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_opens_offline_with_nothing_to_complain_of_and_nothing_to_scroll_sideways(
    opened, width, scheme
):
    page = opened(width, scheme)
    assert opened.said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("section h2").count() >= 8
    assert page.locator("img").evaluate_all("images => images.every(image => image.naturalWidth > 0)")


def test_text_stands_out_from_its_paper_in_both_schemes(opened):
    for scheme in ("light", "dark"):
        colours = opened(1200, scheme).evaluate(
            "() => ['color', 'backgroundColor'].map(one => getComputedStyle(document.documentElement)[one])"
        )
        # WCAG 2, level AAA for body text.
        assert contrast(*colours) >= 7


def test_a_table_is_copied_as_csv_without_scripts(opened):
    page = opened(1200, "light")
    box = page.locator("#tree details.csv")
    assert not box.locator("pre").is_visible()
    box.locator("summary").click()
    first = box.locator("pre").inner_text().splitlines()[0]
    assert first == "node,level,question,helpers,judge,state,rounds"


def test_it_prints(opened):
    assert opened(1200, "light").pdf()[:5] == b"%PDF-"


def contrast(one, other):
    """Ratio of two colours such as "rgb(27, 34, 41)" (WCAG 2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
