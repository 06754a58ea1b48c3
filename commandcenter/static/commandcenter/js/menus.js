// A menu (details.menu) closes by Escape, which gives the focus back to its button, and when one goes on elsewhere.
export function letMenusClose(root) {
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const menu = root.activeElement?.closest("details.menu[open]") ?? root.querySelector("details.menu[open]");
    if (!menu) return;
    event.preventDefault();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  const closeOthers = ({ target }) => {
    for (const menu of root.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  };
  root.addEventListener("click", closeOthers);
  root.addEventListener("focusin", closeOthers);
}
