// Keeps which page is shown, and its filters, in the part of the address behind the #.

let show = null;

/** The page's name and what was asked of it. */
export function place() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  return { page: path || "overview", query: new URLSearchParams(search ?? "") };
}

/** The address of a page. */
export function href(page, params = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of [value].flat()) {
      if (each !== null && each !== undefined && each !== "") search.append(name, each);
    }
  }
  const text = search.toString();
  return `#/${page}${text ? `?${text}` : ""}`;
}

/** Goes to a page. */
export function go(page, params) {
  location.hash = href(page, params);
}

/** Notes the filters of the present page without showing it anew. */
export function note(params) {
  history.replaceState(null, "", href(place().page, params));
}

/** Shows the page anew. */
export function again() {
  show?.();
}

/** Calls `showPage` now and whenever another page is asked for. */
export function startRouter(showPage) {
  show = showPage;
  addEventListener("hashchange", showPage);
  showPage();
}
