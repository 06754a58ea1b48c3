// One socket a page of a job or an export, whose page has no log. Its messages are hints: the page fetches the partial that rendered it again, so there is one
// rendering path and one permission check. Bursts are coalesced; after a lost connection the page catches up by number.
const COALESCE_MS = 400;
const MAX_BACKOFF_MS = 15000;
const FINAL_CODES = new Set([4401, 4403, 4404]);

export function followJob(root) {
  if (root.dataset.ended !== undefined) return;
  const state = document.getElementById("job-live");
  const log = root.querySelector("[data-log]");
  const view = root.querySelector("[data-scroll]");
  const banner = document.querySelector("[data-connection]");
  const follow = root.querySelector("[data-follow]");
  let after = Number(root.dataset.after) || 0;
  let backoff = 500;
  let ended = false;
  let timer = null;
  let fetching = false;
  let again = false;

  log?.addEventListener("htmx:configRequest", (event) => {
    event.detail.parameters.after = log.lastElementChild?.dataset.seq ?? 0;
  });
  log?.addEventListener("htmx:beforeSwap", (event) => {
    // Two answers may overlap: a line that is already here is not added again.
    const last = Number(log.lastElementChild?.dataset.seq ?? 0);
    const fragment = new DOMParser().parseFromString(`<ol>${event.detail.serverResponse}</ol>`, "text/html");
    for (const line of fragment.querySelectorAll("li")) if (Number(line.dataset.seq) <= last) line.remove();
    event.detail.serverResponse = fragment.querySelector("ol").innerHTML;
  });
  log?.addEventListener("htmx:afterSettle", () => {
    if (follow.checked) view.scrollTop = view.scrollHeight;
  });
  if (view) view.scrollTop = view.scrollHeight;

  function refresh() {
    timer = null;
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    if (log) htmx.trigger(log, "live");
    htmx.trigger(state, "live");
  }

  state.addEventListener("htmx:afterRequest", () => {
    fetching = false;
    const bar = state.querySelector("progress");
    if (bar && !ended) document.title = document.title.replace(/^(\d+ % )?/, `${bar.value} % `);
    if (again) {
      again = false;
      hint();
    }
  });

  function hint(now = false) {
    if (timer === null) timer = setTimeout(refresh, now ? 0 : COALESCE_MS);
  }

  function connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${root.dataset.socket}?after=${after}`);
    socket.addEventListener("open", () => {
      backoff = 500;
      banner.hidden = true;
      hint();
    });
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      if (message.seq > after) after = message.seq;
      if (["completed", "failed", "cancelled"].includes(message.type)) {
        ended = true;
        delete state.dataset.liveEvery;
        document.title = document.title.replace(/^\d+ % /, "");
        hint(true);
      } else if (message.type !== "connected") hint();
    });
    socket.addEventListener("close", (event) => {
      if (ended || FINAL_CODES.has(event.code)) {
        banner.hidden = true;
        return;
      }
      banner.hidden = false;
      setTimeout(connect, backoff + Math.random() * 250);
      backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
    });
  }

  connect();
}
