// A page that shows times opens in the viewer's own zone where its address names none.
export function openInOwnZone(root) {
  const shown = root.querySelector("form[data-zone-shown]")?.dataset.zoneShown;
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const address = new URL(location.href);
  if (!shown || !mine || mine === shown || address.searchParams.has("zone")) return;
  address.searchParams.set("zone", mine);
  location.replace(address);
}
