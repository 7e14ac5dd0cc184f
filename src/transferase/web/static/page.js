// Small helps that pages work without.
document.addEventListener("DOMContentLoaded", () => {
  const summary = document.querySelector("[data-takes-focus]");
  if (summary) summary.focus();
});

// An exchange that fails must not leave the reader waiting: load the page in full, where errors are explained.
document.addEventListener("htmx:responseError", (event) => {
  const path = event.detail.pathInfo && event.detail.pathInfo.requestPath;
  if (event.detail.requestConfig.verb === "get" && path && !event.detail.elt.hasAttribute("data-quiet")) {
    window.location.assign(path);
  }
});

// What was put in place tells itself where focus goes.
document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.elt.querySelector("[data-takes-focus]");
  if (target) target.focus();
});

// What was typed and not yet sent is not thrown away without a word: the browser asks before the page is left.
const askBeforeLeaving = (event) => {
  event.preventDefault();
  event.returnValue = true; // older browsers ask only then
};
document.addEventListener("input", (event) => {
  if (event.target.closest("form[data-guard]")) window.addEventListener("beforeunload", askBeforeLeaving);
});
document.addEventListener("submit", (event) => {
  if (event.target.closest("form[data-guard]")) window.removeEventListener("beforeunload", askBeforeLeaving);
});
// A form that came back with faults, or with one more row, holds what no server has.
document.addEventListener("DOMContentLoaded", () => {
  if (document.querySelector("form[data-guard=unsaved]")) window.addEventListener("beforeunload", askBeforeLeaving);
});

// On a wide page a filter counts as soon as it is chosen; on a phone the button below the filters does it.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-live]");
  if (form && window.matchMedia("(min-width: 992px)").matches) form.requestSubmit();
});

// What was left open says nothing, so it does not stand in the address either.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.closest("form[data-live]")) return;
  const said = event.detail.parameters;
  for (const name of Object.keys(said)) if (said[name] === "") delete said[name];
});
