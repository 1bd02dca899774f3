// What pages inside another LMS say by themselves: a signed form that goes on, and "this window may close".

document.querySelector("form[data-send]")?.requestSubmit();

// To whoever opened this page: the messages carry nothing but their subject, so any origin may hear them.
const closing = document.querySelector("[data-close-messages]");
if (closing) {
  const platform = window.opener ?? (window.parent === window ? null : window.parent);
  const say = () => {
    for (const message of JSON.parse(closing.dataset.closeMessages)) platform?.postMessage(message, "*");
  };
  closing.addEventListener("click", () => {
    say();
    window.close();
  });
  say();
}
