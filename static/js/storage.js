// LTI platform storage: says what the page was given to say, takes the answers along, and goes on whatever comes of it.

const way = document.querySelector("[data-storage]"); // the link to follow, or the form to send
const { frame, origin, timeout, messages } = JSON.parse(way.dataset.storage);

// The page around ours or a frame of it; nobody, where ours stands by itself or there is no such frame.
function whom() {
  if (window.parent === window) return null;
  try {
    return frame === "_parent" ? window.parent : window.parent.frames[frame];
  } catch {
    return null;
  }
}

// The answer's value, null if there is none; undefined when nobody answers.
const ask = (store, message) =>
  new Promise((resolve) => {
    const done = (value) => {
      clearTimeout(waiting);
      removeEventListener("message", hear);
      resolve(value);
    };
    const hear = ({ source, origin: sender, data }) => {
      if (source !== store || sender !== origin || data?.message_id !== message.message_id) return;
      if (data.subject !== `${message.subject}.response`) return;
      done(data.error || typeof data.value !== "string" ? null : data.value);
    };
    const waiting = setTimeout(done, timeout);
    addEventListener("message", hear);
    store.postMessage(message, origin);
  });

const store = whom();
for (const { send, field } of store ? messages : []) {
  const value = await ask(store, send);
  if (value === undefined) break;
  if (field && value !== null) way.elements[field].value = value;
}
if (way.matches("form")) way.requestSubmit();
else location.replace(way.href);
