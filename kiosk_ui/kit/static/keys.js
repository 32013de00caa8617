// A key shown on a button presses it; arrow keys walk table rows and Enter opens one.

/** Keys that act even while a text box has the focus. */
const EVERYWHERE = /^(F\d{1,2}|Escape)$/;

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const typing = event.target instanceof Element && event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
    if (typing && !EVERYWHERE.test(event.key)) return;
    if (event.key === "Enter" && event.target instanceof Element && event.target.closest("a, button, summary")) return;
    const name = event.key === "Escape" ? "Esc" : event.key;
    const button = [...document.querySelectorAll("[data-key]")].find(
      (each) => each.getAttribute("data-key") === name && !each.hasAttribute("disabled") && each.getClientRects().length > 0,
    );
    if (button instanceof HTMLElement) {
      event.preventDefault();
      button.click();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      walk(event);
    }
  });
}

/** @param {KeyboardEvent} event */
function walk(event) {
  const here = event.target instanceof Element ? event.target.closest("tbody tr") : null;
  if (!here) return;
  const next = event.key === "ArrowDown" ? here.nextElementSibling : here.previousElementSibling;
  const link = next?.querySelector("th a");
  if (link instanceof HTMLElement) {
    event.preventDefault();
    link.focus();
  }
}
