// A table that is wider than its place can be scrolled with the keyboard too; one that fits is no stop for Tab.
function mark(root) {
  for (const place of root.querySelectorAll(".table-wrap")) {
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  }
}

export function letTablesScroll(root) {
  mark(root);
  addEventListener("resize", () => mark(root), { passive: true });
  root.addEventListener("htmx:afterSettle", () => mark(root));
}
