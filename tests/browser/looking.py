"""Checks whether everyone can use a page: what axe-core finds wrong, and which elements are wider
than the window."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Size = tuple[int, int]
PHONE, LAPTOP, TELEVISION = (390, 844), (1280, 800), (1920, 1080)
# WCAG 1.4.10: no page scrolls sideways at 320 px.
SMALL = (320, 640)
TABLET = (768, 1024)
TARGET = 44  # CSS pixels that a thumb needs
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Rules that a page may break at one width only. Colours are not among them: they take axe as long
# as everything else together.
RULES_OF_LAYOUT = ["scrollable-region-focusable", "target-size"]
AXE = Axe().axe_script
# An element that is fading in has less contrast, for half a second.
END_ANIMATIONS = """() => {
  for (const animation of document.getAnimations()) {
    if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
  }
}"""


def accessibility_faults(page: Page, kind: str, rules: list[str]) -> list[str]:
    """What axe-core finds wrong once everything that moves has arrived. `rules` are ids of rules or
    tags of them, as `kind` says."""
    page.evaluate(END_ANIMATIONS)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = {"runOnly": {"type": kind, "values": rules}, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(options)", options)
    return [
        f"{rule['id']} ({rule['help']}): {[node['target'] for node in rule['nodes'][:4]]}"
        f" {rule['nodes'][0].get('failureSummary', '')}"
        for rule in found["violations"]
    ]


def overflow(page: Page) -> list[str]:
    """The elements that stick out on the right of the page."""
    return list(
        page.evaluate(
            """() => {
              const root = document.documentElement;
              const width = root.clientWidth;
              if (root.scrollWidth <= width) return [];
              return [...document.querySelectorAll("body *")]
                .filter((part) => part.getBoundingClientRect().right > width + 1)
                .slice(0, 4)
                .map((part) => `wider than ${width} px: ${part.outerHTML.slice(0, 120)}`)
                .concat([`${root.scrollWidth} px wide on a screen of ${width}`]);
            }"""
        )
    )


def small_targets(page: Page) -> list[str]:
    """What can be pressed and is under 44 pixels high or wide, except links inside sentences."""
    return list(
        page.evaluate(
            """least => {
            const inWords = "p:not(.beside, .back, .alone), .skip, .practice-people span";
            return [...document.querySelectorAll("a, button, summary, input, select, textarea")]
                .filter(one => one.checkVisibility({ visibilityProperty: true }))
                .filter(one => !one.closest(inWords) && one.type !== "hidden")
                .map(one => [one, (one.closest("label.choice") || one).getBoundingClientRect()])
                .filter(([, box]) => box.width && box.height)
                .filter(([, box]) => Math.min(box.width, box.height) < least - 0.5)
                .map(([one, box]) => `${box.width}x${box.height} ${one.outerHTML.slice(0, 80)}`);
        }""",
            TARGET,
        )
    )


def resize(page: Page, size: Size) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def assert_fit_for_everyone(page: Page, elsewhere: Size | None = None) -> None:
    """Assert that axe finds nothing and that the page is no wider than the window.

    `elsewhere` is a second size, for the rules that the size may break.
    """
    found = accessibility_faults(page, "tag", TAGS) + overflow(page)
    home = page.viewport_size
    if elsewhere and home:
        resize(page, elsewhere)
        found += accessibility_faults(page, "rule", RULES_OF_LAYOUT) + overflow(page)
        resize(page, (home["width"], home["height"]))
    assert found == [], page.url
