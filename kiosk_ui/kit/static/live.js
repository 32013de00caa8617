// Server-sent events: one stream per page, all topics on it.
//
// The browser's own reconnect covers a server that goes away; it gives up on an HTTP error (readyState 2) and never
// notices a server that hangs. Both are covered here: back-off, and 15 s of silence.

const SILENT_MS = 15000;
const SETTLED_MS = 2500;
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15000];

/**
 * Opens the page's stream. Each event is sent on as `way:<topic>` with its data as `detail`; `way:reset` means that
 * what was missed is unknown and the page should ask for its state anew. `way:settled` comes once after the last of
 * several: a part that is just being replaced hears nothing, and one that hears at most once in two seconds may have
 * passed over the last.
 */
export function startLive() {
  const { events, eventsFrom, topics, strip } = document.body.dataset;
  if (!events) return;
  const names = (topics ?? "").split(/[\s,]+/).filter(Boolean);
  const address = new URL(events, location.href);
  if (names.length) address.searchParams.set("topics", names.join(","));
  const note = document.getElementById("stale-note");

  /** @type {EventSource | null} */
  let source = null;
  let lastId = eventsFrom ?? "";
  let failures = 0;
  let heardAt = performance.now();
  let opening = 0;
  let settling = 0;

  /** @param {MessageEvent} event */
  function heard(event) {
    heardAt = performance.now();
    failures = 0;
    if (event.lastEventId) lastId = event.lastEventId;
    setStale(false);
  }

  /** @param {boolean} stale */
  function setStale(stale) {
    if ((document.documentElement.dataset.stale === "true") === stale) return;
    document.documentElement.dataset.stale = String(stale);
    if (note) note.hidden = !stale;
    if (!stale && strip) refreshStrip(strip);
  }

  function open() {
    clearTimeout(opening);
    source?.close();
    if (lastId) address.searchParams.set("last", lastId);
    const mine = (source = new EventSource(address));
    mine.addEventListener("heartbeat", heard);
    mine.addEventListener("reset", (event) => {
      heard(event);
      document.dispatchEvent(new CustomEvent("way:reset"));
      if (strip) refreshStrip(strip);
    });
    for (const name of ["line", ...names]) {
      mine.addEventListener(name, (event) => {
        heard(event);
        document.dispatchEvent(new CustomEvent(`way:${name}`, { detail: parse(event.data) }));
        clearTimeout(settling);
        settling = window.setTimeout(() => document.dispatchEvent(new CustomEvent("way:settled")), SETTLED_MS);
        if (name === "line" && strip) refreshStrip(strip);
      });
    }
    mine.addEventListener("error", () => {
      if (mine === source && mine.readyState === EventSource.CLOSED) again();
    });
  }

  function again() {
    clearTimeout(opening);
    opening = window.setTimeout(open, BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)]);
    failures += 1;
  }

  window.setInterval(() => {
    if (performance.now() - heardAt < SILENT_MS) return;
    setStale(true);
    heardAt = performance.now() - SILENT_MS + 5000;
    open();
  }, 1000);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

let asking = false;
let askAgain = false;

/**
 * Bring the strip up to date. The sentence in `role=status` is replaced only when the state has changed, so that a
 * reader is told once; the numbers beside it change silently.
 * @param {string} address
 */
export async function refreshStrip(address) {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    const answer = await fetch(`${address}?in=${document.documentElement.dataset.lang}`, { cache: "no-store" });
    if (answer.ok) swapStrip(await answer.text());
  } catch {
    // The stream notices the same and says so.
  } finally {
    asking = false;
  }
  if (askAgain) {
    askAgain = false;
    window.setTimeout(() => refreshStrip(address), 250);
  }
}

/** @param {string} html */
function swapStrip(html) {
  const old = document.getElementById("strip-live");
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("strip-live");
  if (!old || !fresh) return;
  const words = old.querySelector("[role=status]");
  const newWords = fresh.querySelector("[role=status]");
  if (words && newWords) {
    if (words.textContent !== newWords.textContent) words.replaceChildren(...newWords.childNodes);
    newWords.replaceWith(words);
  }
  old.dataset.state = fresh.dataset.state ?? "";
  old.replaceChildren(...fresh.childNodes);
  const strip = document.getElementById("strip");
  if (strip) strip.dataset.state = old.dataset.state;
}
