// The form of a schedule: it begins in the browser's time zone, previews what is there, and ties errors to their fields.
const form = document.querySelector("[data-schedule-form]");
if (form) {
  const preview = form.querySelector("#preview");
  const zone = form.elements.timezone;
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ("new" in form.dataset && mine && zone.value === zone.defaultValue && zone.value === "UTC") zone.value = mine;

  const tie = () => {
    for (const errors of form.querySelectorAll("[data-errors]")) {
      const field = document.getElementById(errors.dataset.errors);
      if (!field) continue;
      const wrong = errors.childElementCount > 0;
      field.toggleAttribute("aria-invalid", wrong);
      if (wrong) {
        field.setAttribute("aria-invalid", "true");
        field.setAttribute("aria-describedby", `${field.id}_error`);
      }
    }
  };
  document.addEventListener("htmx:afterSettle", tie);
  tie();
  addEventListener("load", () => {
    if ("new" in form.dataset) htmx.trigger(preview, "preview");
  });
}
