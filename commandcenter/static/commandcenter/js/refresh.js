// Lists fetch their own partial again every few seconds, while the page can be seen.
export function refreshRegularly(element) {
  const seconds = Number(element.dataset.liveEvery);
  if (!(seconds > 0)) return;
  const timer = setInterval(() => {
    if (!element.isConnected || element.dataset.liveEvery === undefined) clearInterval(timer);
    else if (!document.hidden && !element.contains(document.activeElement)) htmx.trigger(element, "live");
  }, seconds * 1000);
}
