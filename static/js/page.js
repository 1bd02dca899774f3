// What every page can do beyond HTML: say things to screen readers, copy, search key, menus, dialogs.
// Everything is delegated from the document, so parts that htmx brings later work too.

// Times are told in the person's zone: the server reads it here, and until then takes the academy's.
try {
  const secure = location.protocol === "https:";
  const framed = window !== window.top;
  const manners = framed ? "; SameSite=None; Secure; Partitioned" : `; SameSite=Lax${secure ? "; Secure" : ""}`;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (timeZone) document.cookie = `${secure ? "__Host-" : ""}zone=${timeZone}; Path=/; Max-Age=31536000${manners}`;
} catch {
  // inside some frames even asking for cookies is refused
}

const live = () => document.getElementById("live");

// "announce" comes from these scripts (detail is the text) or from the server's HX-Trigger (detail.value is).
document.addEventListener("announce", ({ detail }) => {
  const region = live();
  if (!region) return;
  region.textContent = "";
  setTimeout(() => {
    region.textContent = detail?.value ?? detail;
  }, 50); // an emptied region first, so that the same words are said again
});

const announce = (text) => document.dispatchEvent(new CustomEvent("announce", { detail: text }));

async function copy(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(source); // frames often refuse the clipboard: select, and try the older way
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source || !(await copy(source.textContent.trim(), source))) return;
  button.dataset.copied = "";
  announce(button.dataset.said);
  setTimeout(() => delete button.dataset.copied, 2000);
});

// "/" goes to the search field, unless somebody is writing.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const field = document.querySelector("[data-search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
});

// An open menu closes by Escape, and when the person goes elsewhere.
const openMenus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
for (const kind of ["click", "focusin"]) {
  document.addEventListener(kind, ({ target }) => {
    for (const menu of openMenus()) if (!menu.contains(target)) menu.open = false;
  });
}

// A link with data-dialog opens the dialog that stands on the page; without scripts it leads to a page of its own.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  const closer = event.target.closest("dialog [data-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  } else if (event.target.matches("dialog") && !inside(event, event.target)) {
    event.target.close();
  }
});

function inside({ clientX, clientY }, element) {
  const box = element.getBoundingClientRect();
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}

// Navigation that scrolls inside itself shows where one is.
for (const current of document.querySelectorAll("nav [aria-current]")) {
  const strip = current.closest(".site-nav, .tabs");
  if (strip) strip.scrollLeft = current.offsetLeft - strip.clientWidth / 2;
}
