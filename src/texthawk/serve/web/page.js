"use strict";
// One document at a time: upload, follow the reading, show each page beside its text, ask about it.

const by = (id) => document.getElementById(id);
const UNSURE = 0.8; // words below this confidence are marked
const SVG = "http://www.w3.org/2000/svg";

const state = { id: null, entries: [], shown: -1, model: null, stop: null, url: null, found: [], uploads: 0, questions: 0 };

function headers(more = {}) {
  const key = sessionStorage.getItem("key");
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

async function call(path, options = {}) {
  const response = await fetch(path, { ...options, headers: headers(options.headers) }).catch(lost);
  if (response.ok) return response;
  let message = `${response.status} ${response.statusText}`;
  try {
    message = (await response.json()).error.message;
  } catch {
    // not in the usual form; the status must do
  }
  if (response.status === 401) {
    by("key-row").hidden = false;
    by("key").focus();
  }
  throw new Error(message);
}

function lost(error) {
  if (error.name === "AbortError") throw error;
  throw new Error("The server cannot be reached.");
}

function say(text) {
  by("status").textContent = text;
}

function complain(error) {
  if (error.name !== "AbortError") by("problem").textContent = error.message;
}

async function introduce() {
  by("problem").textContent = "";
  const models = await (await call("/v1/models")).json();
  state.model = models.data[0];
  by("model").textContent = `model ${state.model.id}`;
  const asks = ["ask", "ask_text"].some((task) => state.model.tasks.includes(task));
  by("ask-button").disabled = !asks;
  by("ask-note").textContent = asks ? "" : `The model ${state.model.id} has not learned to answer questions; phrases are found among the words it read.`;
}

// Upload and reading

async function upload(files) {
  if (!files.length) return;
  const number = ++state.uploads;
  await forget();
  by("problem").textContent = "";
  const form = new FormData();
  for (const file of files) form.append("file", file);
  form.append("pages", by("wanted").value);
  say("Sending …");
  const made = await sent(form, number);
  if (!made) return;
  state.id = made.id;
  by("work").hidden = false;
  by("progress").max = Math.max(1, made.pages);
  by("progress").value = 0;
  say(`Reading ${made.pages} ${made.pages === 1 ? "page" : "pages"} …`);
  await follow(made);
}

async function sent(form, number) {
  try {
    const made = await (await call("/v1/documents", { method: "POST", body: form })).json();
    if (number === state.uploads) return made;
    await remove(made.id); // another one was chosen while this one was sent
  } catch (error) {
    if (number !== state.uploads) return null;
    say("");
    throw error;
  }
  return null;
}

async function follow(made) {
  state.stop = new AbortController();
  const response = await call(`${made.url}/stream`, { signal: state.stop.signal });
  for await (const entry of lines(response.body)) {
    if (state.id !== made.id) return;
    if (entry.status) {
      finish(made, entry);
      return;
    }
    add(entry);
    by("progress").value = state.entries.length;
    say(`${state.entries.length} of ${made.pages} pages read`);
  }
  throw new Error("The connection ended before the document was read; send it again.");
}

async function* lines(body) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch(lost);
    if (done) return;
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
  }
}

function finish(made, end) {
  by("progress").value = by("progress").max;
  if (end.status !== "done") {
    by("problem").textContent = end.message || end.status;
    return;
  }
  const wrong = state.entries.filter((entry) => entry.error).length;
  say(`Done: ${state.entries.length} ${state.entries.length === 1 ? "page" : "pages"}${wrong ? `, ${wrong} of them could not be read` : ""}.`);
  by("downloads").replaceChildren(...made.formats.map((format) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format;
    button.setAttribute("aria-label", `Download as ${format}`);
    button.addEventListener("click", () => download(made, format).catch(complain));
    return button;
  }));
}

async function download(made, format) {
  const response = await call(`${made.url}/result?format=${format}`);
  const named = /filename\*=UTF-8''(\S+)/.exec(response.headers.get("Content-Disposition") || "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = named ? decodeURIComponent(named[1]) : `document.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function forget() {
  if (state.stop) state.stop.abort();
  const id = state.id;
  Object.assign(state, { id: null, entries: [], shown: -1, stop: null, found: [] });
  by("page").replaceChildren();
  by("downloads").replaceChildren();
  by("text").replaceChildren();
  by("places").replaceChildren();
  by("picture").removeAttribute("src");
  by("answer").textContent = "";
  by("work").hidden = true;
  say("");
  if (id) await remove(id);
}

async function remove(id) {
  await call(`/v1/documents/${id}`, { method: "DELETE" }).catch(() => {}); // it may be gone already
}

// Pages

function add(entry) {
  state.entries.push(entry);
  const option = document.createElement("option");
  option.value = entry.index;
  option.textContent = `${entry.index + 1}${entry.error ? " (not read)" : ""}`;
  by("page").append(option);
  if (state.shown < 0) show(0).catch(complain);
  arrows();
}

function arrows() {
  by("previous").disabled = state.shown <= 0;
  by("next").disabled = state.shown >= state.entries.length - 1;
}

async function show(index) {
  const entry = state.entries[index];
  if (!entry) return;
  state.shown = index;
  state.found = [];
  by("page").value = index;
  by("answer").textContent = "";
  arrows();
  by("picture").removeAttribute("src");
  fill(entry);
  const id = state.id;
  const response = await call(`/v1/documents/${id}/pages/${index}/image`);
  const blob = await response.blob();
  if (state.id !== id || state.shown !== index) return;
  if (state.url) URL.revokeObjectURL(state.url);
  state.url = URL.createObjectURL(blob);
  by("picture").src = state.url;
  by("picture").alt = `Page ${index + 1}`;
}

function fill(entry) {
  const places = by("places");
  places.replaceChildren();
  if (entry.error) {
    by("text").textContent = entry.error;
    return;
  }
  const page = entry.page;
  places.setAttribute("viewBox", `0 0 ${page.width} ${page.height}`);
  const text = document.createDocumentFragment();
  for (const line of page.lines) {
    for (const word of line.words) {
      const span = document.createElement("span");
      span.textContent = word.text;
      const rect = word.box && box(word.box);
      const unsure = word.confidence < UNSURE;
      span.classList.toggle("unsure", unsure);
      if (rect) {
        rect.classList.toggle("unsure", unsure);
        places.append(rect);
      }
      pair(span, rect, word);
      text.append(span, " ");
    }
    text.append("\n");
  }
  if (!page.lines.length) text.append(page.reason || (page.finish_reason === "blank" ? "This page is blank." : page.text));
  by("text").replaceChildren(text);
}

function box([left, top, right, bottom]) {
  const rect = document.createElementNS(SVG, "rect");
  const sides = { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
  for (const [name, value] of Object.entries(sides)) rect.setAttribute(name, value);
  return rect;
}

function pair(span, rect, word) {
  const both = [span, rect].filter(Boolean);
  span.point = () => {
    for (const other of document.querySelectorAll(".here")) other.classList.remove("here");
    for (const one of both) one.classList.add("here");
    by("told").textContent = `${word.text} — confidence ${Math.round(word.confidence * 100)} %`;
  };
  for (const one of both) one.addEventListener("pointerenter", span.point);
}

function move(step) {
  const spans = [...by("text").querySelectorAll("span")];
  if (!spans.length) return;
  const here = spans.findIndex((span) => span.classList.contains("here"));
  const next = spans[Math.min(spans.length - 1, Math.max(0, here + step))];
  next.point();
  next.scrollIntoView({ block: "nearest" });
}

// Ask and find

async function ask(kind) {
  const question = by("question").value.trim();
  const id = state.id;
  const index = state.shown;
  if (!question || index < 0) return;
  const number = ++state.questions;
  by("problem").textContent = "";
  by("answer").textContent = "…";
  const body = JSON.stringify(kind === "ask" ? { question } : { phrase: question });
  const path = `/v1/documents/${id}/pages/${index}/${kind}`;
  const result = await (await call(path, { method: "POST", body, headers: { "Content-Type": "application/json" } })).json();
  if (state.id !== id || state.shown !== index || state.questions !== number) return;
  for (const rect of state.found) rect.remove();
  state.found = [];
  state.found = result.boxes.map((sides) => {
    const rect = box(sides);
    rect.classList.add("found");
    by("places").append(rect);
    return rect;
  });
  by("answer").textContent = kind === "ask" ? answered(result) : told(result.places);
}

function answered(result) {
  if (result.text === null) return "Nothing was read on this page.";
  return `${result.text} (confidence ${Math.round(result.confidence * 100)} %)`;
}

function told(places) {
  if (!places.length) return "Not found on this page.";
  if (places[0].by === "model") return `The model points here (confidence ${Math.round(places[0].confidence * 100)} %).`;
  const unlike = places.filter((place) => place.edits);
  const count = `Found at ${places.length} ${places.length === 1 ? "place" : "places"}`;
  return unlike.length ? `${count}, in other letters: ${unlike.map((place) => place.text).join("; ")}` : `${count}.`;
}

// What a person does

const drop = by("drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  window.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") upload(event.dataTransfer.files).catch(complain);
  });
}
by("file").addEventListener("click", () => { by("file").value = ""; }); // or the same file could not be chosen again
by("file").addEventListener("change", () => upload(by("file").files).catch(complain));
by("key-save").addEventListener("click", () => {
  sessionStorage.setItem("key", by("key").value);
  by("key-row").hidden = true;
  introduce().catch(complain);
});
by("cancel").addEventListener("click", () => forget().then(() => by("file").focus()).catch(complain));
by("previous").addEventListener("click", () => show(state.shown - 1).catch(complain));
by("next").addEventListener("click", () => show(state.shown + 1).catch(complain));
by("page").addEventListener("change", () => show(Number(by("page").value)).catch(complain));
by("boxes").addEventListener("change", () => by("places").classList.toggle("plain", !by("boxes").checked));
by("text").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  move(step);
});
window.addEventListener("keydown", (event) => {
  const step = { PageDown: 1, PageUp: -1 }[event.key];
  if (!step || by("work").hidden || !state.entries[state.shown + step]) return;
  event.preventDefault();
  show(state.shown + step).catch(complain);
});
by("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(event.submitter ? event.submitter.value : "find").catch((error) => {
    by("answer").textContent = "";
    complain(error);
  });
});
introduce().catch(complain);
