// Relative times that stay true while the page is open; the exact time is in the title.
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function relative(then) {
  const seconds = (then - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return words.format(Math.round(seconds / size), unit);
}

export function refreshTimes(root) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const then = Date.parse(element.dateTime);
    if (Number.isNaN(then)) continue;
    element.textContent = relative(then);
    element.title = new Date(then).toLocaleString();
  }
}

// A moment that the server showed on the clock of a schedule's zone, once more on the viewer's where that is another.
export function showViewerZone(root) {
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const element of root.querySelectorAll("time[data-viewer-zone]")) {
    const then = Date.parse(element.dateTime);
    if (Number.isNaN(then) || !mine || element.dataset.viewerZone === mine) continue;
    element.textContent = `${new Date(then).toLocaleString("sv", { dateStyle: "short", timeStyle: "short" })} ${mine}`;
    element.hidden = false;
  }
}

export function keepTimesFresh(root) {
  refreshTimes(root);
  showViewerZone(root);
  setInterval(() => refreshTimes(root), 20000);
  root.addEventListener("htmx:afterSettle", () => {
    refreshTimes(root);
    showViewerZone(root);
  });
}
