// Runs before the first paint, so that a chosen theme never flashes. Stored only while it differs from the system's.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const key = "theme";

  const stored = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is closed to us inside some frames
    }
  };
  const store = (theme) => {
    try {
      if (theme) localStorage.setItem(key, theme);
      else localStorage.removeItem(key);
    } catch {
      // the choice then lasts as long as the page
    }
  };
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-pressed", String(dark()));
    }
  };

  root.classList.add("js");
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  document.addEventListener("DOMContentLoaded", show);
  system.addEventListener("change", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = dark() ? "light" : "dark";
    const same = (next === "dark") === system.matches;
    if (same) delete root.dataset.theme;
    else root.dataset.theme = next;
    store(same ? null : next);
    show();
  });
})();
