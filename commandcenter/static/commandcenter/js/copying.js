// A button with data-copy="TEXT" puts the text on the clipboard and says whether it could.
const SAID_MS = 2000;

export function letTextBeCopied(root) {
  root.addEventListener("click", async ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-copy]") : null;
    if (!button) return;
    const label = button.querySelector(".visually-hidden") ?? button;
    const before = label.textContent;
    const copied = await put(button.dataset.copy);
    label.textContent = button.title = copied ? "Copied" : "Cannot copy here";
    button.classList.toggle("copied", copied);
    setTimeout(() => {
      label.textContent = button.title = before;
      button.classList.remove("copied");
    }, SAID_MS);
  });
}

async function put(text) {
  try {
    await navigator.clipboard.writeText(text); // absent where the page came over plain HTTP from elsewhere
    return true;
  } catch {
    return false;
  }
}
