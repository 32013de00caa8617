// A character that no font of this browser has is shown as its code point in a box, as paper shows it, and not as an
// empty frame that looks like every other. The character itself stays in the text, to be copied and searched for.

const COMMON = "\\u0000-\\u024f\\u2000-\\u206f\\u2190-\\u21ff\\u3000-\\u303f\\u4e00-\\u9fa5\\uff00-\\uffef";
/** What is worth a look: all but the characters that every Chinese font has, and marks that stand on another one. */
const RARE = new RegExp(`[^${COMMON}\\p{M}\\p{Cf}\\p{Z}]`, "u");
/** Private use: a font that has a glyph there means something else than whoever wrote it. */
const PRIVATE = /\p{Co}/u;
const NOWHERE = "\u{10ffff}";
const SIDE_PX = 32;
const SKIPPED = "script, style, textarea, option, .no-glyph";

/** @returns {(char: string) => boolean} whether the page's fonts have it, each looked at once */
function looker() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE_PX * 2;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return () => true;
  pen.font = `${SIDE_PX}px ${getComputedStyle(document.body).fontFamily}`;
  pen.textBaseline = "top";
  const drawn = (char) => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.fillText(char, 4, 4);
    return pen.getImageData(0, 0, canvas.width, canvas.height).data.join();
  };
  const missing = drawn(NOWHERE);
  const known = new Map();
  return (char) => {
    if (!known.has(char)) known.set(char, !PRIVATE.test(char) && drawn(char) !== missing);
    return known.get(char);
  };
}

function boxed(char) {
  const code = char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  const box = document.createElement("span");
  box.className = code.length > 4 ? "no-glyph no-glyph-wide" : "no-glyph";
  box.dataset.code = code;
  box.title = `U+${code}`;
  const kept = document.createElement("span");
  kept.textContent = char;
  box.append(kept);
  return box;
}

export function startGlyphs() {
  const has = looker();

  /** @param {Text} text */
  const mark = (text) => {
    if (!RARE.test(text.data) || text.parentElement?.closest(SKIPPED)) return;
    const parts = [];
    for (const char of text.data) {
      if (RARE.test(char) && !has(char)) parts.push(boxed(char));
      else if (typeof parts.at(-1) === "string") parts.push(parts.pop() + char);
      else parts.push(char);
    }
    if (parts.some((part) => typeof part !== "string")) text.replaceWith(...parts);
  };

  /** @param {Node} root */
  const markAll = (root) => {
    if (root instanceof Text) return mark(root);
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walk.nextNode()) found.push(walk.currentNode);
    found.forEach(mark);
  };

  markAll(document.body);
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "characterData") markAll(change.target);
      else change.addedNodes.forEach(markAll);
    }
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}
