// "As the system": the server writes the wish, only the browser knows the system. Runs before the first paint.
(function () {
  const root = document.documentElement;
  if (root.dataset.look !== "system") return;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  follow();
  dark.addEventListener("change", follow);
})();
