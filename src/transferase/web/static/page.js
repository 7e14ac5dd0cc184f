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

// What was typed and not yet kept is not thrown away without a word: the browser asks before the page is left.
let typed = 0; // how often something was typed; what a request keeps is what had been typed when it was sent
const askBeforeLeaving = (event) => {
  event.preventDefault();
  event.returnValue = true; // older browsers ask only then
};
const notice = (event) => {
  if (!event.target.closest("form[data-guard]")) return;
  typed += 1;
  window.addEventListener("beforeunload", askBeforeLeaving);
};
const rest = () => window.removeEventListener("beforeunload", askBeforeLeaving);
document.addEventListener("input", notice);
document.addEventListener("change", notice);
document.addEventListener("submit", (event) => {
  if (!event.target.closest("form[data-guard]")) return;
  typed = 0;
  rest();
});
// A form that came back with faults holds what no server has, unless it is kept as one writes.
document.addEventListener("DOMContentLoaded", () => {
  if (document.querySelector("form[data-guard=unsaved]")) window.addEventListener("beforeunload", askBeforeLeaving);
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.hasAttribute("data-keeps")) event.detail.elt.dataset.typed = typed;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const keeper = event.detail.elt;
  if (!keeper.hasAttribute("data-keeps") || event.detail.xhr.status !== 200) return;
  if (Number(keeper.dataset.typed) === typed) rest();
  // Whoever loads the page again finds what was kept.
  if (keeper.dataset.address) window.history.replaceState(null, "", keeper.dataset.address);
});
// A phone puts a page away without asking: what was typed last is sent off.
document.addEventListener("visibilitychange", () => {
  const keeper = document.querySelector("[data-keeps]");
  if (document.visibilityState !== "hidden" || !keeper || !typed || Number(keeper.dataset.typed) === typed) return;
  navigator.sendBeacon(keeper.getAttribute("hx-post"), new FormData(keeper.closest("form")));
});

// In a box for words or a whole page of text, Enter searches; with Shift it begins a new line.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.hasAttribute("data-enter")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
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

// A short text needs no post: an address holds it.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-search]");
  if (form) form.method = form.elements.q.value.length <= 300 ? "get" : "post";
});
