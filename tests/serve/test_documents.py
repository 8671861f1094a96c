"""/v1/documents: what is uploaded is read as the reader itself reads it, can be followed, fetched and deleted."""

import io
import json
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from tests.model import tiny
from tests.serve.serving import running
from texthawk.decode.formats import FORMATS, Setting
from texthawk.decode.reader import Reader
from texthawk.serve.results import Results
from texthawk.types import PageError


def picture(words, size=(160, 60)):
    image = Image.new("RGB", size, "white")
    if words:
        ImageDraw.Draw(image).text((10, 20), words, fill="black", font_size=18)
    return image


def written(images, kind="PNG", **settings):
    out = io.BytesIO()
    first, *rest = (image.copy() for image in images)  # Pillow leaves settings of one format on an image
    first.save(out, kind, **settings, **({"save_all": True, "append_images": rest} if rest else {}))
    return out.getvalue()


TYPED, BLANK = picture("fox dog"), picture("")
PDF = written([TYPED, BLANK, picture("a cat")], "PDF")


def finished(http, id, seconds=200):
    deadline = time.monotonic() + seconds
    while (record := http.get(f"/v1/documents/{id}").json())["status"] in ("queued", "reading"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return record


def uploaded(http, *files, **data):
    response = http.post("/v1/documents", files=[("file", (name, content)) for name, content in files], data=data)
    assert response.status_code == 202, response.text
    assert response.headers["location"] == response.json()["url"]
    return response.json()["id"]


def test_a_document_is_read_as_the_reader_reads_it(nano, nano_server):
    images = [picture("The quick fox", (300, 60)), BLANK, picture("Total 12.50\nPaid in cash", (300, 90))]
    with nano_server.http() as http:
        id = uploaded(http, ("two.tiff", written(images[:2], "TIFF")), ("c.png", written(images[2:])))
        record = finished(http, id)
        entries = http.get(f"/v1/documents/{id}/pages").json()["entries"]
    assert record["status"] == "done" and record["pages"] == record["read"] == 3 and record["errors"] == 0
    assert [(entry["file"], entry["number"]) for entry in entries] == [(0, 1), (0, 2), (1, 1)]
    expected = nano.read(images).pages
    assert expected[0].words and expected[2].words, "a test of words needs some"
    for entry, page in zip(entries, expected, strict=True):
        assert entry["page"]["text"] == page.text and entry["page"]["finish_reason"] == page.finish_reason
        assert (entry["page"]["width"], entry["page"]["height"]) == (page.width, page.height)
        words = [word for line in entry["page"]["lines"] for word in line["words"]]
        sure = [word["confidence"] for word in words]
        assert sure == pytest.approx([word.confidence for word in page.words], abs=1e-3)
        boxes = [word["box"] for word in words]
        assert boxes == [None if word.box is None else pytest.approx(list(word.box), abs=0.1) for word in page.words]


class Mistaken(Reader):
    """A reader with a mistake that nobody has thought of."""

    def read_pages(self, *_, **__):
        raise KeyError("nobody has thought of it")


def test_a_mistake_of_ours_is_told_and_logged_and_ends_the_document(caplog):
    with running(Mistaken(tiny.model(), tiny.processor())) as server, server.http() as http:
        id = uploaded(http, ("a.png", written([TYPED])))
        record = finished(http, id)
    assert record["status"] == "failed" and "log" in record["message"]
    assert any(entry.exc_info and entry.exc_info[0] is KeyError for entry in caplog.records)


def test_pages_stream_as_they_are_read_and_the_stream_ends(server):
    with server.http() as http:
        id = uploaded(http, ("a.pdf", PDF))
        with http.stream("GET", f"/v1/documents/{id}/stream") as response:
            entries = [json.loads(line) for line in response.iter_lines()]
        assert response.headers["content-type"] == "application/x-ndjson"
        assert [entry.get("index") for entry in entries] == [0, 1, 2, None] and entries[-1]["status"] == "done"
        with http.stream("GET", f"/v1/documents/{id}/stream", headers={"Accept": "text/event-stream"}) as response:
            events = [json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line]
        assert events == entries and response.headers["content-type"].startswith("text/event-stream")


def test_only_the_pages_asked_for_are_read_and_their_pictures_are_theirs(server):
    with server.http() as http:
        id = uploaded(http, ("a.pdf", PDF), pages="2-3")
        assert finished(http, id)["pages"] == 2
        numbers = [entry["number"] for entry in http.get(f"/v1/documents/{id}/pages").json()["entries"]]
        assert numbers == [2, 3]
        pictures = [Image.open(io.BytesIO(http.get(f"/v1/documents/{id}/pages/{k}/image").content)) for k in (0, 1)]
        darkest = [image.convert("L").getextrema()[0] for image in pictures]
        assert darkest[0] > 200 > darkest[1], "page 2 is blank and page 3 is not"
        assert http.get(f"/v1/documents/{id}/pages/2/image").status_code == 404
        assert http.post("/v1/documents", files={"file": PDF}, data={"pages": "3-1"}).status_code == 400


@pytest.fixture(scope="module")
def read_document(server):
    with server.http() as http:
        id = uploaded(http, ("naïve file.pdf", PDF))
        finished(http, id)
    return id


@pytest.mark.parametrize("name", FORMATS)
def test_a_result_comes_in_every_format(server, read_document, name):
    with server.http() as http:
        id = read_document
        response = http.get(f"/v1/documents/{id}/result", params={"format": name})
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == FORMATS[name].media_type.split(";")[0]
        assert f"na%C3%AFve%20file{FORMATS[name].suffix}" in response.headers["content-disposition"]
        job = server.parts.jobs.get(read_document)
        assert len(job.document.pages) == 3
        if FORMATS[name].needs_pictures:
            assert response.content.startswith(b"%PDF")
        else:
            assert response.content == FORMATS[name].write(job.document, Setting(source=job.name, model="tiny"))


def test_a_page_that_cannot_be_read_costs_no_other(server):
    content = bytearray(written([TYPED, picture("gone"), BLANK], "TIFF", compression="tiff_deflate"))
    with Image.open(io.BytesIO(content)) as image:
        image.seek(1)
        place, size = image.tag_v2[273][0], image.tag_v2[279][0]
    content[place : place + size] = b"\xff" * size
    with server.http() as http:
        id = uploaded(http, ("a.tiff", bytes(content)))
        record = finished(http, id)
        first, broken, last = http.get(f"/v1/documents/{id}/pages").json()["entries"]
        assert http.get(f"/v1/documents/{id}/result", params={"format": "pdf"}).content.startswith(b"%PDF")
    assert record["status"] == "done" and record["errors"] == 1
    assert "damaged" in broken["error"] and first["page"]["number"] == 1 and last["page"]["number"] == 3


@pytest.mark.parametrize(
    "content", [b"", b"hello", PDF[: len(PDF) // 2], b"%PDF-1.4 nothing", b"\x89PNG\r\n\x1a\n\0\0"]
)
def test_what_is_no_document_is_refused_at_once_and_not_kept(server, content):
    root = server.parts.jobs.new_folder().parent
    before = set(root.iterdir())
    with server.http() as http:
        response = http.post("/v1/documents", files={"file": ("a.pdf", content)})
        assert response.status_code == 400 and response.json()["error"]["code"] == "invalid_file"
    assert set(root.iterdir()) == before


def test_a_document_of_too_many_pages_is_refused(reader):
    with running(reader, max_pages=2) as server, server.http() as http:
        response = http.post("/v1/documents", files={"file": ("a.pdf", PDF)})
        assert (response.status_code, response.json()["error"]["code"]) == (413, "too_many_pages")
        finished(http, uploaded(http, ("b.png", written([BLANK]))))


def test_a_name_that_is_a_path_goes_nowhere(server):
    with server.http() as http:
        id = uploaded(http, ("../../../../escape.png", written([BLANK])))
        job = server.parts.jobs.get(id)
        assert job.name == "escape.png" and job.uploads[0].path.parent == job.folder
        finished(http, id)


def test_a_name_that_no_text_can_hold_is_told_without_it(server):
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\\ud800b\\n.png"\r\n\r\n'
    content = part + written([BLANK]) + b"\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b; charset=unicode_escape"
    with server.http() as http:
        made = http.post("/v1/documents", content=content, headers={"Content-Type": kind})
        assert made.status_code == 202 and made.json()["files"][0]["name"] == "a\ufffdb\ufffd.png"
        finished(http, made.json()["id"])


def test_pages_that_are_not_there_are_refused(server):
    with server.http() as http:
        refused = http.post("/v1/documents", files={"file": PDF}, data={"pages": "7-9"})
        assert refused.status_code == 400 and "has 3" in refused.json()["error"]["message"]
        assert len(finished(http, uploaded(http, ("a.pdf", PDF), pages="3-9"))["files"]) == 1


def test_what_is_kept_of_a_long_document_costs_little_memory(tmp_path, nano):
    (page,) = nano.read([picture("The quick fox", (300, 60))]).pages
    long = replace(page, lines=page.lines * 100, text=page.text * 100)
    tracemalloc.start()
    results = Results(tmp_path)
    for number in range(1, 301):
        results.append(PageError("a.pdf", number, "damaged") if number % 100 == 50 else replace(long, number=number))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 300_000, "some hundred bytes a page are enough to find it again"
    assert (
        len(results) == 300
        and len(results.pages) == 297
        and [error.number for error in results.errors] == [50, 150, 250]
    )
    assert results[0] == replace(long, number=1) and results.pages[-1] == results[299] == replace(long, number=300)
    assert isinstance(results[49], PageError) and not results.is_page(49)
    assert [one.number for one in results.pages[49:51]] == [51, 52]
    assert not list(tmp_path.iterdir()), "it needs no name, and so leaves none behind"


def test_a_deleted_document_stops_costing_and_leaves_no_file(reader):
    long = written([picture("fox dog " * 8, (900, 200)) for _ in range(40)], "PDF")
    with running(reader) as server, server.http() as http:
        id = uploaded(http, ("long.pdf", long))
        folder = server.parts.jobs.get(id).folder
        server.until(lambda: server.parts.engine.running)
        assert http.delete(f"/v1/documents/{id}").status_code == 204
        server.until(lambda: not server.parts.engine.running and not server.parts.engine.waiting, seconds=10)
        assert http.get(f"/v1/documents/{id}").status_code == 404
        server.until(lambda: not folder.exists(), seconds=5)


def test_documents_wait_in_a_queue_of_bounded_length(reader):
    long = written([picture("fox dog " * 8, (900, 200)) for _ in range(40)], "PDF")
    with running(reader, document_queue=1) as server, server.http() as http:
        ids = [uploaded(http, ("long.pdf", long)) for _ in range(2)]
        refused = http.post("/v1/documents", files={"file": PDF})
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
        early = http.get(f"/v1/documents/{ids[0]}/result")
        assert early.status_code == 409 and early.json()["error"]["code"] == "not_done"
        for id in ids:
            http.delete(f"/v1/documents/{id}")
        server.until(lambda: not server.parts.jobs.unfinished)
        finished(http, uploaded(http, ("b.png", written([BLANK]))))


def test_old_documents_are_forgotten_by_age_and_by_number(reader):
    with running(reader, max_documents=3, document_seconds=3600) as server, server.http() as http:
        ids = []
        for _ in range(5):
            ids.append(uploaded(http, ("b.png", written([BLANK]))))
            finished(http, ids[-1])
        assert [http.get(f"/v1/documents/{id}").status_code for id in ids] == [404, 404, 200, 200, 200]
        server.parts.jobs.get(ids[2]).ended -= 4000
        server.parts.jobs.forget_old()
        assert http.get(f"/v1/documents/{ids[2]}").status_code == 404


def test_chats_are_answered_while_a_long_document_is_read(reader):
    long = written([picture("fox dog " * 8, (900, 200)) for _ in range(30)], "PDF")
    with running(reader, max_batch=4) as server, server.http() as http:
        id = uploaded(http, ("long.pdf", long))
        server.until(lambda: server.parts.engine.running)
        messages = [{"role": "user", "content": "fox?"}]
        server.client().chat.completions.create(model="tiny", messages=messages, max_tokens=5)
        assert http.get(f"/v1/documents/{id}").json()["status"] == "reading"
        http.delete(f"/v1/documents/{id}")


def test_files_and_threads_are_gone_when_the_server_is(reader):
    before = set(threading.enumerate())
    with running(reader) as server, server.http() as http:
        uploaded(http, ("a.pdf", PDF))
        folder = server.parts.jobs.new_folder().parent
        assert folder.exists()
    assert not folder.exists()
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not [name for name in left if name.startswith("texthawk-")]
