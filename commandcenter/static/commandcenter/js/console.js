// Entry of every page: binds small modules to elements by their data- attributes.
import { letChooseAll } from "./choosing.js";
import { letTextBeCopied } from "./copying.js";
import { letMenusClose } from "./menus.js";
import { keepTimesFresh } from "./times.js";
import { followJob } from "./socket.js";
import { letTablesScroll } from "./tables.js";
import { refreshRegularly } from "./refresh.js";
import { switchThemeAtOnce } from "./theme.js";
import { openInOwnZone } from "./zones.js";

openInOwnZone(document);
keepTimesFresh(document);
switchThemeAtOnce(document);
letTablesScroll(document);
letChooseAll(document);
letTextBeCopied(document);
letMenusClose(document);
for (const element of document.querySelectorAll("[data-live-every]")) refreshRegularly(element);
// On a narrow screen the navigation and the tabs scroll sideways: begin at where one is.
for (const here of document.querySelectorAll(".nav [aria-current], .tabs [aria-current]")) {
  here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 16;
}
const job = document.querySelector("[data-socket]");
if (job) followJob(job);
// What a POST answered with and shows but once: to load the page again leads on instead of asking for it again.
const settled = document.querySelector("[data-settle]");
if (settled) history.replaceState(null, "", settled.dataset.settle);

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable) return;
  const search = document.querySelector("input[type=search]");
  if (search) {
    event.preventDefault();
    search.focus();
  }
});
