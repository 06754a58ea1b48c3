"use strict";
// The theme of a report: set before the page is drawn, and kept where the browser keeps something for a file.
(() => {
  const KEY = "command-center-report-theme";
  const THEMES = ["light", "dark"];
  const set = document.documentElement.dataset;

  function kept() {
    try { return localStorage.getItem(KEY); } catch { return null; }
  }

  function keep(theme) {
    try { localStorage.setItem(KEY, theme); } catch { return; } // then it lasts as long as the page
  }

  if (THEMES.includes(kept())) set.theme = kept();
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-switch]");
    button.hidden = false;
    button.addEventListener("click", () => {
      const dark = set.theme ? set.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      set.theme = dark ? "light" : "dark";
      keep(set.theme);
    });
  });
})();
