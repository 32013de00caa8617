// This box's pages: parts that follow the box's own events, the tone of a verdict, a badge that fills its field.

/**
 * `<div data-live="/address" data-live-on="scan line">` holds `[data-part]` elements. After each of the events the
 * address is asked again and the parts that differ are replaced, each in one frame.
 */
function startParts() {
  const place = document.querySelector("[data-live]");
  if (!(place instanceof HTMLElement)) return;
  let asking = false;
  let again = false;
  let query = "";

  async function refresh() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const address = new URL(place.dataset.live ?? "", location.href);
      if (query) address.searchParams.set("refused", query);
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, cache: "no-store" });
      const leave = answer.headers.get("X-Way-Leave");
      if (leave) location.assign(leave);
      else if (answer.ok && answer.status !== 204) swap(place, await answer.text());
    } catch {
      // The stream notices a box that does not answer and says so.
    } finally {
      asking = false;
    }
    if (again) {
      again = false;
      await refresh();
    }
  }

  for (const name of [...(place.dataset.liveOn ?? "").split(" ").filter(Boolean), "reset"]) {
    document.addEventListener(`way:${name}`, (event) => {
      const detail = /** @type {CustomEvent} */ (event).detail ?? {};
      if (name === "scan" && !("verdict" in detail)) return;
      query = typeof detail.refused === "string" && place.dataset.liveSays === name ? detail.refused : "";
      if (name === "handover" && !detail.refused && detail.round) location.assign(`/collect/rounds/${detail.round}`);
      else void refresh();
    });
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} html
 */
function swap(place, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = place.querySelector(`[data-part="${part.getAttribute("data-part")}"]`);
    if (!old || old.innerHTML === part.innerHTML) continue;
    old.innerHTML = part.innerHTML;
    const htmx = /** @type {{htmx?: {process: (node: Element) => void}}} */ (/** @type {unknown} */ (window)).htmx;
    htmx?.process(old);
  }
}

/** A verdict that comes by the stream sounds as one that comes by the keyboard. */
function startVerdicts() {
  for (const name of ["scan", "reception"]) {
    document.addEventListener(`way:${name}`, (event) => {
      const { verdict } = /** @type {CustomEvent} */ (event).detail ?? {};
      if (!verdict) return;
      const sounds = verdict === "refused" ? "unreadable" : verdict;
      document.dispatchEvent(new CustomEvent("way:verdict", { detail: { verdict: sounds } }));
    });
  }
  document.addEventListener("way:verdict", () => {
    const go = document.querySelector("[data-go]")?.getAttribute("data-go");
    if (go) location.assign(go);
  });
}

/** A badge read by this box's gun fills the sign-in field and leads on to the PIN. */
function startBadge() {
  document.addEventListener("way:badge", (event) => {
    const field = document.getElementById("badge");
    const pin = document.getElementById("f-pin");
    if (!(field instanceof HTMLInputElement)) return;
    field.value = String(/** @type {CustomEvent} */ (event).detail?.badge ?? "");
    if (pin instanceof HTMLInputElement) pin.focus();
  });
}

function startPreview() {
  const shown = document.querySelector("[data-preview]");
  if (shown instanceof HTMLImageElement) watch(shown);
}

/**
 * What a camera sees, picture after picture while this page is in front; the camera stops once nobody asks.
 * @param {HTMLImageElement} shown
 */
function watch(shown) {
  const says = document.querySelector("[data-preview-says]");
  let after = "0";

  async function next() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", () => void next(), { once: true });
      return;
    }
    let wait = 80;
    try {
      const address = new URL(shown.dataset.preview ?? "", location.href);
      address.searchParams.set("after", after);
      const answer = await fetch(address, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      after = answer.headers.get("X-Way-Frame") ?? "0";
      shown.src = await dataAddress(await answer.blob());
    } catch {
      wait = 2000;
    }
    if (says instanceof HTMLElement) says.hidden = wait === 80;
    window.setTimeout(() => void next(), wait);
  }

  void next();
}

/**
 * @param {Blob} picture
 * @returns {Promise<string>}
 */
function dataAddress(picture) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(picture);
  });
}

startParts();
startVerdicts();
startBadge();
startPreview();
