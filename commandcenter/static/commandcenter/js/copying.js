// A button with data-copy="TEXT" puts the text on the clipboard and says whether it could.
const SAID_MS = 2000;
const saying = new WeakMap(); // by button: what ends the saying, and with it the words that were there before

export function letTextBeCopied(root) {
  root.addEventListener("click", async ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-copy]") : null;
    if (!button) return;
    const copied = await put(button.dataset.copy);
    const label = button.querySelector(".visually-hidden") ?? button;
    const { words, title, timer } = saying.get(button) ?? { words: label.textContent, title: button.title };
    clearTimeout(timer);
    label.textContent = button.title = copied ? "Copied" : "Cannot copy here";
    button.classList.toggle("copied", copied);
    const end = () => {
      saying.delete(button);
      label.textContent = words;
      button.title = title;
      button.classList.remove("copied");
    };
    saying.set(button, { words, title, timer: setTimeout(end, SAID_MS) });
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
