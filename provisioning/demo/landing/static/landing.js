// The site's clock: the hospital's time of day, whatever zone this computer lives in.

const face = document.querySelector("[data-clock]");
if (face instanceof HTMLTimeElement) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: face.dataset.clock, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const [clock, seconds] = [face.querySelector("b"), face.querySelector("span")];
  const tick = () => {
    const now = parts.format(new Date());
    if (clock && seconds) [clock.textContent, seconds.textContent] = [now.slice(0, 5), now.slice(5)];
    window.setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  tick();
}
