// The theme button works without a reload; the form behind it works without this script.
export function switchThemeAtOnce(root) {
  const button = root.querySelector("[data-theme-switch]");
  if (!button) return;
  const dark = () =>
    root.documentElement.dataset.theme
      ? root.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
  button.value = dark() ? "light" : "dark";
  button.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = new FormData(button.form);
    const chosen = dark() ? "light" : "dark";
    body.set("theme", chosen);
    root.documentElement.dataset.theme = chosen;
    button.value = dark() ? "light" : "dark";
    fetch(button.form.action, { method: "POST", body, redirect: "manual", credentials: "same-origin" });
  });
}
