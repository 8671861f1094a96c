"""The web page in a real Chromium: from a dropped file to words, boxes and downloads, by mouse and by keyboard."""

import json
import os
import re
import shutil

import pytest

from tests.serve.serving import make_reader, running
from tests.serve.test_documents import BLANK, picture, written

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install it, or name it in CHROMIUM")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser; install the dev extra")

TYPED, LAST = picture("Total 12.50", (300, 60)), picture("Paid in cash", (300, 60))
DOCUMENT = written([TYPED, BLANK, LAST], "PDF")
WAIT = 60_000  # ms


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def server(nano_server):
    """A server with the shipped model, for there must be words, and without documents."""
    for job in nano_server.parts.jobs.all():
        nano_server.parts.jobs.remove(job)
    return nano_server


@pytest.fixture
def page(browser, server):
    """The page of the server, with everything that it complains of or asks elsewhere noted."""
    context = browser.new_context(accept_downloads=True)
    made = context.new_page()
    made.set_default_timeout(WAIT)
    made.trouble = []
    made.on("console", lambda said: made.trouble.append(said.text) if said.type in ("error", "warning") else None)
    made.on("pageerror", lambda error: made.trouble.append(str(error)))
    made.on("request", lambda asked: made.trouble.append(asked.url) if not at_home(asked.url, server.url) else None)
    made.goto(server.url)
    made.locator("#model", has_text="model nano").wait_for()
    yield made
    assert made.trouble == []
    context.close()


def at_home(url, home):
    return url.startswith((home, "data:", "blob:" + home))


def upload(page, name="letter.pdf", content=DOCUMENT):
    page.get_by_label("Drop a PDF or pictures here").set_input_files(
        {"name": name, "mimeType": "application/pdf", "buffer": content}
    )


def shown(page):
    page.wait_for_function(
        "() => { const i = document.getElementById('picture'); return i.src && i.naturalWidth > 0; }"
    )


def test_a_document_is_read_and_each_page_stands_beside_its_text(page, server):
    upload(page)
    page.get_by_text("Done: 3 pages.").wait_for()
    (job,) = server.parts.jobs.all()
    assert page.locator("#progress").evaluate("bar => bar.value === bar.max")
    for index, read in enumerate(job.document.pages):
        page.get_by_label("Page", exact=True).select_option(index=index)
        shown(page)
        words = page.locator("#text span").all_text_contents()
        assert words == [word.text for word in read.words], index
        assert page.locator("#places rect").count() == sum(word.box is not None for word in read.words)
    page.get_by_label("Page", exact=True).select_option(index=1)
    assert page.locator("#text").inner_text() in (job.document.pages[1].reason, "This page is blank.")


def test_a_word_and_its_box_light_up_together_and_tell_their_confidence(page, server):
    upload(page, "one.png", written([TYPED]))
    page.get_by_text("Done: 1 page.").wait_for()
    (job,) = server.parts.jobs.all()
    words = [word for word in job.document.pages[0].words if word.box is not None]
    assert words, "a test of boxes needs some"
    shown(page)
    page.locator("#text").scroll_into_view_if_needed()
    rect = page.locator("#places rect").first
    rect.dispatch_event("pointerenter")
    assert page.locator("#text span.here").count() == 1 == page.locator("#places rect.here").count()
    told = page.locator("#told").inner_text()
    assert re.search(r"confidence \d+ %", told)
    assert told.startswith(page.locator("#text span.here").inner_text())
    picture_box = page.locator("#picture").bounding_box()
    rect_box = rect.bounding_box()
    size = page.locator("#places").evaluate("svg => [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height]")
    expected = picture_box["x"] + words[0].box.left * picture_box["width"] / size[0]
    assert rect_box["x"] == pytest.approx(expected, abs=3), "the box lies where the word is on the picture"


def test_words_and_pages_can_be_reached_without_a_mouse(page):
    upload(page)
    page.get_by_text("Done: 3 pages.").wait_for()
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.wait_for_function("() => document.getElementById('page').value === '2'")
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    page.wait_for_function("() => document.getElementById('page').value === '0'")
    page.locator("#text").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#text span.here").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#text span.here").inner_text() == first and "confidence" in page.locator("#told").inner_text()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.id || document.activeElement.textContent"))
    assert {"file", "wanted", "cancel", "page", "next", "boxes", "text", "json", "pdf"} <= reached


def test_everything_has_a_name_for_those_who_cannot_see_it(page):
    upload(page)
    page.get_by_text("Done: 3 pages.").wait_for()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, progress, [tabindex]")]
            .filter((one) => !(one.labels && one.labels.length) && !one.getAttribute("aria-label") && !one.textContent.trim())
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("#status").get_attribute("role") == "status"
    shown(page)
    assert page.locator("#picture").get_attribute("alt") == "Page 1"


def test_a_phrase_is_found_and_marked_on_the_page(page, server):
    upload(page)
    page.get_by_text("Done: 3 pages.").wait_for()
    (job,) = server.parts.jobs.all()
    word = job.document.pages[0].words[0]
    page.get_by_label("Question or phrase").fill(word.text.lower())
    page.keyboard.press("Enter")
    page.get_by_text("Found at 1 place.").wait_for()
    marked = page.locator("#places rect.found")
    assert marked.count() == 1 and float(marked.get_attribute("x")) == pytest.approx(word.box.left, abs=0.1)
    page.get_by_label("Question or phrase").fill("nowhere to be seen")
    page.get_by_role("button", name="Find on the page").click()
    page.get_by_text("Not found on this page.").wait_for()
    assert marked.count() == 0
    misread = max((one.text for one in job.document.pages[0].words), key=len)
    if len(misread) >= 5:  # long enough that one letter may differ
        page.get_by_label("Question or phrase").fill("q" + misread[1:])
        page.keyboard.press("Enter")
        page.get_by_text("in other letters: " + misread).wait_for()


def test_results_are_downloaded_under_the_documents_name(page):
    upload(page)
    with page.expect_download() as event:
        page.get_by_role("button", name="Download as json").click()
    assert event.value.suggested_filename == "letter.json"
    with open(event.value.path(), encoding="utf-8") as file:
        assert len(json.load(file)["documents"][0]["pages"]) == 3
    with page.expect_download() as event:
        page.get_by_role("button", name="Download as pdf").click()
    with open(event.value.path(), "rb") as file:
        assert file.read(4) == b"%PDF"


def with_one_page_read(browser, server):
    page = browser.new_page()
    page.set_default_timeout(WAIT)
    page.goto(server.url)
    page.locator("#model", has_text="model tiny").wait_for()
    upload(page, "one.png", written([TYPED]))
    page.get_by_text("Done: 1 page.").wait_for()
    return page


def test_a_model_that_cannot_answer_says_so(browser):
    with running(make_reader(), max_tokens=8) as server:
        page = with_one_page_read(browser, server)
        assert page.get_by_role("button", name="Ask", exact=True).is_disabled()
        assert "has not learned to answer questions" in page.locator("#ask-note").inner_text()
        page.close()


def test_a_model_that_can_answer_is_asked_and_its_answer_stands_there_with_its_confidence(browser):
    able = make_reader()
    able.model.config.tasks = ["text", "ask"]
    with running(able, max_tokens=8) as server:
        page = with_one_page_read(browser, server)
        page.get_by_label("Question or phrase").fill("What is the total?")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.locator("#answer", has_text=re.compile(r"\(confidence \d+ %\)")).wait_for()
        page.get_by_label("Question or phrase").fill("<image>")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.locator("#problem", has_text="has a meaning of its own").wait_for()
        page.close()


def test_what_is_wrong_is_said_and_the_next_document_is_read(page, server):
    upload(page, "letter.txt", b"Dear Sir")
    page.locator("#problem", has_text="convert it to one").wait_for()
    assert page.locator("#status").inner_text() == ""
    page.trouble.clear()  # the browser notes the refusal itself
    upload(page)
    page.get_by_text("Done: 3 pages.").wait_for()
    assert page.locator("#problem").inner_text() == ""
    page.get_by_role("button", name="Delete document").click()
    page.locator("#work").wait_for(state="hidden")
    server.until(lambda: not server.parts.jobs.all())


def test_a_connection_that_ends_too_early_is_told(page):
    page.route("**/stream", lambda route: route.fulfill(body=""))
    upload(page, "one.png", written([TYPED]))
    page.locator("#problem", has_text="The connection ended").wait_for()
    page.unroute("**/stream")
    page.route("**/stream", lambda route: route.abort())
    upload(page, "one.png", written([TYPED]))
    page.locator("#problem", has_text="cannot be reached").wait_for()
    page.trouble.clear()  # the browser notes what was broken off


def test_of_two_documents_that_are_sent_at_once_the_later_one_is_shown(page, server):
    held = []
    page.route("**/v1/documents", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/v1/documents"):
        upload(page, "first.png", written([LAST]))
    upload(page, "second.png", written([TYPED]))
    page.get_by_text("Done: 1 page.").wait_for()
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        held[0].continue_()
    (job,) = server.parts.jobs.all()
    assert job.name == "second.png" and page.locator("#page option").count() == 1
    assert page.locator("#text span").all_text_contents() == [word.text for word in job.document.pages[0].words]


def test_a_file_can_be_dropped_anywhere(page):
    page.evaluate(
        """(bytes) => {
            const given = new DataTransfer();
            given.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
        }""",
        list(written([BLANK])),
    )
    page.get_by_text("Done: 1 page.").wait_for()


def test_with_a_key_the_page_asks_for_it_and_then_works(browser, nano):
    with running(nano, model_name="nano", api_key="open sesame") as server:
        page = browser.new_page()
        page.set_default_timeout(WAIT)
        page.goto(server.url)
        page.get_by_label("API key").fill("open sesame")
        page.get_by_role("button", name="Use key").click()
        page.locator("#model", has_text="model nano").wait_for()
        upload(page)
        page.get_by_text("Done: 3 pages.").wait_for()
        shown(page)
        page.close()


def test_the_page_runs_nothing_that_is_not_its_own(page, server):
    with server.http() as http:
        response = http.get("/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert not re.search(r"(src|href)=\"(https?:)?//", response.text) and "style=" not in response.text
    blocked = page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
            const script = document.createElement("script");
            script.textContent = "window.run = true";
            document.body.append(script);
        })"""
    )
    assert blocked.startswith("script-src") and page.evaluate("() => window.run") is None
    page.trouble.clear()  # the violation that was provoked
