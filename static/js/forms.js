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
let focused = null; // once per part: whoever has moved on meanwhile stays there
const focusOn = (part) => {
  const summary = within(part, "[data-error-summary]");
  const goal = summary ?? within(part, "[data-focus]");
  if (!goal || goal === focused) return;
  focused = goal;
  const prefix = summary?.dataset.errorSummary ?? "";
  if (!document.title.startsWith(prefix)) document.title = prefix + document.title;
  goal.focus();
};

// At once, and again when htmx has settled the attributes; never when a part only renews itself.
for (const moment of ["htmx:afterSwap", "htmx:afterSettle"]) {
  document.addEventListener(moment, ({ target, detail }) => {
    const dialog = detail.target;
    if (dialog?.id === "dialog" && dialog.children.length && !dialog.open) dialog.showModal();
    if (detail.requestConfig?.triggeringEvent) focusOn(target);
  });
}
if (document.querySelector("[data-error-summary]")) focusOn(document);
else document.querySelector(".field-failed[data-focus]")?.focus();

// A refusal that says where it belongs (HX-Retarget) is shown there, whatever its status.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.xhr.getResponseHeader("HX-Retarget")) return;
  detail.shouldSwap = true;
  detail.isError = false;
});

// A request that failed for a reason the page cannot show says so, until it is closed or the same part is answered.
let failure = null; // {notice, source}: the one on the page, and what asked
let refused = null; // what asked for the step whose problem stands at the top of the page
const forget = () => {
  failure?.notice.remove();
  failure = null;
};
const failed = ({ detail, target }) => {
  const mould = document.getElementById(detail.xhr?.status ? "request-failed" : "request-lost");
  if (!mould) return;
  forget();
  const notice = mould.content.firstElementChild.cloneNode(true);
  const id = notice.querySelector("[data-request-id]");
  if (id) id.textContent = detail.xhr.getResponseHeader("X-Request-Id") ?? "";
  document.body.append(notice);
  failure = { notice, source: target };
};
for (const kind of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(kind, failed);
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const source = detail.requestConfig.elt;
  if (detail.isError) return;
  if (failure?.source === source) forget();
  if (detail.xhr.getResponseHeader("HX-Retarget")) refused = source;
  else if (refused === source) document.getElementById("problems")?.replaceChildren();
});
document.addEventListener("click", ({ target }) => {
  if (target.closest(".request-failed [data-dismiss]")) forget();
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

// Lines pasted into a row of name and value are taken apart as the field for many lines has it.
document.addEventListener("paste", (event) => {
  const rows = event.target.closest?.("[data-rows]");
  const text = event.clipboardData?.getData("text") ?? "";
  if (!rows || event.target.matches("textarea") || !text.trim().includes("\n")) return;
  event.preventDefault();
  rows.querySelector("textarea").value = text;
  rows.querySelector('[name$="-more"]').click();
});
