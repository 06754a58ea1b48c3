"use strict";
// The tables of a report: sorts, filters, searches and pages through rows that lie in the page as JSON.
(() => {
  const PRINTED = 500; // rows of a table on paper
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const report = read("report");
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  // Controls, and characters that change the order in which others are shown: a page must show what is there.
  const DECEIVING = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
  const number = new Intl.NumberFormat("en");

  const spelt = (text) => String(text).replace(DECEIVING, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function breakable(into, text) {
    spelt(text).split("/").forEach((part, place) => {
      if (place) into.append("/", document.createElement("wbr"));
      into.append(part);
    });
    return into;
  }

  function badge(word) {
    const known = document.querySelector(`template[data-badge="${CSS.escape(word)}"]`);
    return known ? known.content.cloneNode(true) : document.createTextNode(spelt(word));
  }

  function link(address, text) {
    const made = breakable(make("a"), text);
    made.href = address;
    made.rel = "noopener noreferrer";
    return made;
  }

  const yesNo = (value) => (value ? "yes" : "no");

  class Table {
    constructor(section) {
      this.section = section;
      this.id = section.id;
      this.columns = report.tables[this.id].columns;
      this.rows = read(`${this.id}-rows`);
      this.body = section.querySelector("tbody");
      this.wrap = section.querySelector(".table-wrap");
      this.texts = null; // what a search looks at, made at the first one
      this.order = this.rows.map((_, place) => place);
      this.page = 0;
      this.sorted = { place: -1, down: false };
      this.query = "";
      this.chosen = new Map();
      this.tools();
      this.headings();
      this.places();
      this.show();
    }

    value(row, place) {
      const stored = row[place];
      const words = this.columns[place].words;
      return stored !== null && words.length ? words[stored] : stored;
    }

    said(row, place) {
      const value = this.value(row, place);
      return value === null ? "" : this.columns[place].kind === "yesno" ? yesNo(value) : String(value);
    }

    tools() {
      const tools = this.section.querySelector(".tools");
      this.shown = tools.querySelector(".shown");
      this.search = tools.querySelector("input");
      let waiting = 0;
      this.search.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => { this.query = this.search.value; this.select(); }, 80);
      });
      this.search.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && this.search.value) { this.search.value = this.query = ""; this.select(); }
      });
      for (const choice of tools.querySelectorAll("select[data-column]")) {
        this.offer(choice, this.columns.findIndex((column) => column.name === choice.dataset.column));
      }
      tools.hidden = false;
    }

    offer(choice, place) {
      const column = this.columns[place];
      const counts = new Map();
      for (const row of this.rows) counts.set(row[place], (counts.get(row[place]) || 0) + 1);
      const stored = [...counts.keys()].filter((value) => value !== null);
      stored.sort((a, b) => (column.words.length ? a - b : collator.compare(String(a), String(b))));
      if (counts.has(null) && stored.length) stored.push(null);
      const values = stored.slice(0, 200);
      values.forEach((value, index) => {
        const said = value === null ? "none or unknown" : column.words.length ? column.words[value] : column.kind === "yesno" ? yesNo(value) : value;
        const option = make("option", "", `${spelt(said).replaceAll("_", " ")} (${number.format(counts.get(value))})`);
        option.value = String(index);
        choice.append(option);
      });
      choice.hidden = values.length < 2;
      choice.addEventListener("change", () => {
        if (choice.value === "") this.chosen.delete(place);
        else this.chosen.set(place, values[Number(choice.value)]);
        this.select();
      });
    }

    headings() {
      this.heads = [...this.section.querySelectorAll("thead th")];
      this.sorter = this.section.querySelector("select[data-sorter]"); // where a narrow screen shows no headings
      this.heads.forEach((heading, place) => {
        const title = heading.textContent;
        const button = make("button", "sort", title);
        button.type = "button";
        button.addEventListener("click", () => {
          const again = this.sorted.place === place;
          this.sortBy(again && this.sorted.down ? -1 : place, again);
        });
        heading.replaceChildren(button);
        for (const way of ["up", "down"]) {
          const option = make("option", "", `${title}, ${way}`);
          option.value = `${place} ${way}`;
          this.sorter.append(option);
        }
      });
      this.sorter.addEventListener("change", () => {
        const [place, way] = this.sorter.value.split(" ");
        this.sortBy(place === "" ? -1 : Number(place), way === "down");
      });
    }

    sortBy(place, down) {
      this.sorted = { place, down };
      for (const other of this.heads) other.removeAttribute("aria-sort");
      if (place >= 0) this.heads[place].setAttribute("aria-sort", down ? "descending" : "ascending");
      this.sorter.value = place < 0 ? "" : `${place} ${down ? "down" : "up"}`;
      this.select();
    }

    places() {
      this.pager = this.section.querySelector(".pager");
      this.where = this.pager.querySelector(".where");
      const moves = { first: () => 0, previous: () => this.page - 1, next: () => this.page + 1, last: () => this.last() };
      this.buttons = Object.entries(moves).map(([name, to]) => {
        const button = this.pager.querySelector(`[data-move="${name}"]`);
        button.addEventListener("click", () => {
          this.page = Math.min(Math.max(to(), 0), this.last());
          this.show();
          this.section.scrollIntoView();
          if (button.disabled) this.wrap.focus({ preventScroll: true }); // a disabled button loses it
        });
        return [name, button];
      });
    }

    last() {
      return Math.max(Math.ceil(this.order.length / report.page) - 1, 0);
    }

    text(place) {
      this.texts ||= this.rows.map((row) => this.columns.map((_, at) => this.said(row, at)).join("\n").toLowerCase());
      return this.texts[place];
    }

    select() {
      const asked = this.query.toLowerCase().split(/\s+/).filter(Boolean);
      const kept = [];
      for (let place = 0; place < this.rows.length; place += 1) {
        const row = this.rows[place];
        let fits = true;
        for (const [column, wanted] of this.chosen) fits = fits && row[column] === wanted;
        if (fits && asked.length) fits = asked.every((word) => this.text(place).includes(word));
        if (fits) kept.push(place);
      }
      if (this.sorted.place >= 0) this.sort(kept);
      this.order = kept;
      this.page = 0;
      this.show();
    }

    sort(kept) {
      const { place, down } = this.sorted;
      const column = this.columns[place];
      const graded = column.kind === "badge" && column.words.length; // severities and states have an order of their own
      const key = (at) => (graded ? this.rows[at][place] : this.value(this.rows[at], place));
      const way = down ? -1 : 1;
      kept.sort((left, right) => {
        const a = key(left);
        const b = key(right);
        if (a === null || b === null) return a === b ? left - right : a === null ? 1 : -1;
        const by = typeof a === "string" ? collator.compare(a, b) : a - b;
        return by * way || left - right;
      });
    }

    cell(row, place) {
      const column = this.columns[place];
      const value = this.value(row, place);
      const cell = make("td", { number: "num", line: "num", finding: "num", badge: "badge-cell", yesno: "text", rule: "text" }[column.kind] || column.kind);
      if (value === null) {
        cell.append(make("span", "muted", "\u2013"));
        cell.classList.add("idle");
        return cell;
      }
      if (place) cell.dataset.label = column.title;
      if (column.kind === "badge") cell.append(badge(value));
      else if (column.kind === "rule") cell.append(link(report.rules[row[place]], value));
      else if (column.kind === "finding") cell.append(link(`${report.finding}${value}/`, value));
      else if (column.kind === "number") cell.textContent = number.format(value);
      else if (column.kind === "line") cell.textContent = value; // not grouped: it is looked up as it is
      else if (column.kind === "yesno") cell.textContent = yesNo(value);
      else breakable(cell, value);
      return cell;
    }

    draw(from, to) {
      const made = document.createDocumentFragment();
      for (const at of this.order.slice(from, to)) {
        const line = make("tr");
        line.append(...this.columns.map((_, place) => this.cell(this.rows[at], place)));
        made.append(line);
      }
      this.body.replaceChildren(made);
      const total = number.format(this.order.length);
      const end = Math.min(to, this.order.length);
      this.where.textContent = this.order.length ? `Rows ${number.format(from + 1)} to ${number.format(end)} of ${total}` : "";
    }

    show() {
      const from = this.page * report.page;
      this.draw(from, from + report.page);
      const all = number.format(this.rows.length);
      const some = this.order.length === this.rows.length ? all : `${number.format(this.order.length)} of ${all}`;
      this.shown.textContent = this.order.length ? `${some} row${some === "1" ? "" : "s"}` : "Nothing fits; clear the search or the filters";
      const last = this.last();
      for (const [name, button] of this.buttons) {
        button.hidden = last === 0;
        button.disabled = name === "first" || name === "previous" ? this.page === 0 : this.page === last;
      }
    }
  }

  performance.mark("report-begin");
  const tables = [...document.querySelectorAll("section[data-table]")].map((section) => new Table(section));
  performance.mark("report-ready");

  addEventListener("beforeprint", () => tables.forEach((table) => table.draw(0, PRINTED)));
  addEventListener("afterprint", () => tables.forEach((table) => table.show()));

  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
    const near = tables.find((table) => table.section.getBoundingClientRect().bottom > innerHeight / 3) || tables[0];
    if (near) { event.preventDefault(); near.search.focus(); }
  });
})();
