// Every page: live strip and events, scans from a keyboard wedge, function keys, tones, steppers, copying numbers,
// characters without a glyph.
import { startLive } from "./live.js";
import { startWedge } from "./wedge.js";
import { startKeys } from "./keys.js";
import { startTones } from "./tones.js";
import { startGlyphs } from "./glyphs.js";

/** Minus and plus beside a number that can also be typed. */
function startSteppers() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-step]") : null;
    const box = button?.closest("[data-stepper]")?.querySelector("input");
    if (!button || !box) return;
    const least = Number(box.dataset.min ?? 0);
    const most = Number(box.dataset.max ?? 9999);
    const next = (Number.parseInt(box.value, 10) || 0) + Number(button.getAttribute("data-step"));
    box.value = String(Math.min(most, Math.max(least, next)));
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

/** A record number is shown in fours and copied without the spaces. */
function startCopying() {
  document.addEventListener("copy", (event) => {
    const text = String(document.getSelection() ?? "");
    if (!/[0-9A-Z]\u00a0[0-9A-Z]/.test(text) || !event.clipboardData) return;
    event.clipboardData.setData("text/plain", text.replace(/(?<=[0-9A-Z])\u00a0(?=[0-9A-Z])/g, ""));
    event.preventDefault();
  });
}

startLive();
startWedge();
startKeys();
startTones();
startSteppers();
startCopying();
startGlyphs();
document.documentElement.dataset.ready = "true";
