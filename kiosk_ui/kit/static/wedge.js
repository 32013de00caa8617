// A scanner that types: caught wherever the focus is.
//
// A burst is at least 6 characters with gaps of at most 50 ms, ended by Enter or Tab. What it put into a text box is
// taken out again, Enter presses no button, and scans that arrive while one is being judged wait in order. A key that is
// held down repeats as fast as a scanner types and is none. Phones hand a scan over as text that their keyboard inserts,
// without keys of its own. A Chinese input method swallows scans: a burst of key code 229 that inserts nothing asks for
// English input, and what a person composes is let alone.

const GAP_MS = 50;
const LEAST = 6;
const MOST = 4096;
/** The separator of GS1 fields (FNC1), which scanners type as Ctrl+]. */
const GS = "\x1d";

/** US keyboard by position, so that another layout of the host reads the same code. */
const SHIFTED = ")!@#$%^&*(";
const SIGNS = {
  Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"",
  Backquote: "`~", Comma: ",<", Period: ".>", Slash: "/?", Space: "  ", NumpadAdd: "++", NumpadSubtract: "--",
  NumpadMultiply: "**", NumpadDivide: "//", NumpadDecimal: "..",
};

/**
 * The character that a key stands for on a US keyboard, or "" for none.
 * @param {KeyboardEvent} event
 */
export function characterOf(event) {
  const { code, shiftKey } = event;
  if (/^Key[A-Z]$/.test(code)) {
    const upper = shiftKey !== event.getModifierState?.("CapsLock");
    return upper ? code[3] : code[3].toLowerCase();
  }
  if (/^Digit\d$/.test(code)) return shiftKey ? SHIFTED[Number(code[5])] : code[5];
  if (/^Numpad\d$/.test(code)) return code[6];
  if (code in SIGNS) return SIGNS[/** @type {keyof typeof SIGNS} */ (code)][shiftKey ? 1 : 0];
  return event.key.length === 1 ? event.key : "";
}

/**
 * Gathers keys into scans; no DOM, so that it can be tried alone.
 * @param {(code: string, tookMs: number) => void} onScan
 * @param {() => void} onSwallowed
 */
export function makeAssembler(onScan, onSwallowed) {
  let text = "";
  let startedMs = 0;
  let lastMs = -Infinity;
  let swallowed = 0;

  return {
    /** How many characters the burst holds so far. */
    get held() {
      return text.length;
    },
    reset() {
      text = "";
      swallowed = 0;
    },
    /** The key that was counted as swallowed has inserted something after all. */
    unswallow() {
      swallowed = Math.max(0, swallowed - 1);
    },
    /**
     * @param {string} character one character, or "" for a key that is none
     * @param {boolean} ends Enter or Tab
     * @param {boolean} composing the input method took the key
     * @param {number} atMs
     * @returns {"first" | "burst" | "scan" | "other"}
     */
    key(character, ends, composing, atMs) {
      const close = atMs - lastMs <= GAP_MS;
      lastMs = atMs;
      if (!close) this.reset();
      if (composing) {
        swallowed += 1;
        if (swallowed === LEAST) onSwallowed();
        return "other";
      }
      if (ends) {
        const code = text;
        this.reset();
        lastMs = -Infinity;
        if (code.length < LEAST) return "other";
        onScan(code, Math.round(atMs - startedMs));
        return "scan";
      }
      if (!character || text.length >= MOST) return "other";
      if (!text) startedMs = atMs;
      text += character;
      return text.length === 1 ? "first" : "burst";
    },
  };
}

/**
 * Listens on the whole page. `<body data-wedge-url>` gets each scan as JSON {code, took_ms}; the answer's HTML replaces
 * `data-wedge-target`. `data-wedge-field` instead fills that field and sends its form.
 */
export function startWedge() {
  const { wedgeUrl, wedgeTarget, wedgeField } = document.body.dataset;
  if (!wedgeUrl && !wedgeField && !("wedge" in document.body.dataset)) return;
  /** @type {{box: HTMLInputElement | HTMLTextAreaElement, value: string, from: number | null, to: number | null} | null} */
  let before = null;
  /** @type {Promise<unknown>} */
  let judging = Promise.resolve();

  const assembler = makeAssembler(
    (code, tookMs) => {
      putBack();
      document.dispatchEvent(new CustomEvent("way:scan", { detail: { code, took_ms: tookMs } }));
      if (wedgeField) fill(wedgeField, code);
      else if (wedgeUrl) judging = judging.then(() => judge(wedgeUrl, wedgeTarget, code, tookMs)).catch(() => undefined);
    },
    () => {
      const said = document.getElementById("said");
      if (said) said.textContent = document.documentElement.lang === "en" ? "Switch the input method to English" : "把输入法切到英文，再扫一次";
      document.dispatchEvent(new CustomEvent("way:swallowed"));
    },
  );

  function putBack() {
    if (!before) return;
    const { box, value, from, to } = before;
    before = null;
    box.value = value;
    if (from !== null && box.setSelectionRange) box.setSelectionRange(from, to);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Whether the text that comes next is that of a key which was heard already. */
  let heard = false;
  let unheard = false;
  /** @type {EventTarget | null} */
  let place = null;

  /**
   * @param {Event} event
   * @param {string} character
   * @param {boolean} ends
   * @param {boolean} composing
   */
  function take(event, character, ends, composing) {
    const box = event.target;
    if (box !== place) assembler.reset(); // a burst goes to one place
    place = box;
    const holds = box instanceof HTMLInputElement || box instanceof HTMLTextAreaElement;
    const snapshot = holds ? { box, value: box.value, from: selection(box, "start"), to: selection(box, "end") } : null;
    const kept = before;
    const kind = assembler.key(character, ends, composing, event.timeStamp);
    if (kind === "first") before = snapshot;
    else if (kind === "burst") before = kept;
    else if (kind === "scan") {
      heard = false; // what is prevented inserts nothing
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (!ends && !composing) before = null;
  }

  document.addEventListener(
    "keydown",
    (event) => {
      heard = unheard = false;
      if (event.ctrlKey && !event.altKey && event.code === "BracketRight" && assembler.held) {
        event.preventDefault();
        return take(event, GS, false, false);
      }
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Shift" || event.key === "CapsLock") return;
      if (event.repeat) return assembler.reset();
      const composing = event.isComposing || event.keyCode === 229;
      const ends = event.key === "Enter" || event.key === "Tab";
      unheard = composing;
      heard = !composing;
      take(event, ends ? "" : characterOf(event), ends && !composing, composing);
    },
    { capture: true },
  );

  document.addEventListener("keyup", () => { heard = unheard = false; }, { capture: true });
  document.addEventListener(
    "beforeinput",
    (event) => {
      const ofKey = heard;
      heard = false;
      if (ofKey || event.isComposing) return;
      if (event.target instanceof HTMLInputElement && event.target.type === "password") return;
      if (unheard) assembler.unswallow();
      unheard = false;
      if (event.inputType === "insertText") for (const character of event.data ?? "") take(event, character, false, false);
      else if (event.inputType === "insertLineBreak" || event.inputType === "insertParagraph") take(event, "", true, false);
    },
    { capture: true },
  );
}

/**
 * Where the cursor stood; some kinds of input have none.
 * @param {HTMLInputElement | HTMLTextAreaElement} box
 * @param {"start" | "end"} side
 */
function selection(box, side) {
  try {
    return side === "start" ? box.selectionStart : box.selectionEnd;
  } catch {
    return null;
  }
}

/**
 * @param {string} selector
 * @param {string} code
 */
function fill(selector, code) {
  const field = document.querySelector(selector);
  if (!(field instanceof HTMLInputElement) || !field.form) return;
  field.value = code;
  const next = [...field.form.elements].find((each) => each instanceof HTMLInputElement && each.type === "password" && !each.value);
  if (next instanceof HTMLInputElement) next.focus();
  else field.form.requestSubmit();
}

/**
 * @param {string} url
 * @param {string | undefined} target
 * @param {string} code
 * @param {number} tookMs
 */
async function judge(url, target, code, tookMs) {
  const token = document.querySelector("meta[name=csrf]")?.getAttribute("content") ?? "";
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token, "HX-Request": "true" },
    body: JSON.stringify({ code, took_ms: tookMs }),
  });
  const place = document.querySelector(answer.headers.get("HX-Retarget") ?? target ?? "#notice");
  if (!place) return;
  const html = await answer.text();
  place.innerHTML = html;
  const htmx = /** @type {{htmx?: {process: (node: Element) => void}}} */ (/** @type {unknown} */ (window)).htmx;
  htmx?.process(place);
  const verdict = place.querySelector("[data-verdict]")?.getAttribute("data-verdict");
  if (verdict) document.dispatchEvent(new CustomEvent("way:verdict", { detail: { verdict } }));
}
