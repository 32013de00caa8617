// What only the hub's pages need: printing, and pages that follow what they show.
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
});
