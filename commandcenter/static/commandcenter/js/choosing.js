// A checkbox with data-choose-all="NAME" checks and unchecks every checkbox of that name in its table.
export function letChooseAll(root) {
  root.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    const name = target.dataset.chooseAll;
    const table = target.closest("table");
    if (!table) return;
    if (name) {
      for (const box of table.querySelectorAll(`input[type="checkbox"][name="${CSS.escape(name)}"]`)) box.checked = target.checked;
      return;
    }
    const all = table.querySelector(`input[data-choose-all="${CSS.escape(target.name)}"]`);
    if (!all) return;
    const boxes = [...table.querySelectorAll(`input[type="checkbox"][name="${CSS.escape(target.name)}"]`)];
    all.checked = boxes.every((box) => box.checked);
    all.indeterminate = !all.checked && boxes.some((box) => box.checked);
  });
}
