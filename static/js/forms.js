// Forms and htmx: one press is one request, focus goes to what matters, nothing written is lost by accident.

const REPEAT_MS = 8000; // a download answers without leaving the page: the button must come back

const release = (form) => {
  delete form.dataset.busy;
  for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
};

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.matches('[method="post" i]')) return;
    if ("busy" in form.dataset) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.busy = "";
    event.submitter?.setAttribute("aria-disabled", "true");
    setTimeout(release, REPEAT_MS, form);
  },
  true, // before htmx sees it
);

addEventListener("pageshow", () => document.querySelectorAll("form[data-busy]").forEach(release));
document.addEventListener("htmx:afterRequest", ({ target }) => {
  const form = target.closest("form");
  if (form) release(form);
});

// Focus: the error summary, or what the new part marks with data-focus.
const within = (part, selector) => (part.matches?.(selector) ? part : part.querySelector(selector));
const focusOn = (part) => {
  const summary = within(part, "[data-error-summary]");
  const goal = summary ?? within(part, "[data-focus]");
  if (!goal) return;
  const prefix = summary?.dataset.errorSummary ?? "";
  if (!document.title.startsWith(prefix)) document.title = prefix + document.title;
  goal.focus();
};

document.addEventListener("htmx:afterSettle", ({ target, detail }) => {
  const dialog = detail.target;
  if (dialog?.id === "dialog" && dialog.children.length && !dialog.open) dialog.showModal();
  focusOn(target);
});
if (document.querySelector("[data-error-summary]")) focusOn(document);

// A refusal that says where it belongs (HX-Retarget) is shown there, whatever its status.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.xhr.getResponseHeader("HX-Retarget")) return;
  detail.shouldSwap = true;
  detail.isError = false;
});

// A request that failed for a reason the page cannot show says so, and stays until it is closed.
const failed = ({ detail }) => {
  const notice = document.getElementById("request-failed");
  if (!notice) return;
  notice.hidden = false;
  notice.querySelector("[data-request-id]").textContent = detail.xhr?.getResponseHeader("X-Request-Id") ?? "";
};
for (const kind of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(kind, failed);
document.addEventListener("click", ({ target }) => {
  if (target.closest("#request-failed [data-dismiss]")) document.getElementById("request-failed").hidden = true;
});

// Forms with data-guard ask before what was written is left behind.
let unsaved = false;
document.addEventListener("input", ({ target }) => {
  if (target.form?.hasAttribute("data-guard")) unsaved = true;
});
document.addEventListener("submit", () => {
  unsaved = false;
});
addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});
