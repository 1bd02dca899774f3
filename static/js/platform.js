// The platform's side of a tool's frame: keeps state and nonce for tools whose cookies the browser drops, gives the frame
// the height the tool asks for, and closes it (LTI Client Side postMessages 0.1, postMessage Storage 0.1).

const LEAST = 100; // CSS pixels
const MOST = 10000;
const MOST_KEYS = 500; // of one origin
const LONGEST = 4096; // characters of a key or a value
const KEPT = 10 * 60 * 1000; // milliseconds

const frame = document.querySelector("iframe[data-origins]");
// As browsers write them: without the port that goes without saying.
const origins = new Set(JSON.parse(frame.dataset.origins).map((each) => new URL(each).origin));
const stores = new Map(); // of each origin its own: { kept: key → { value, until }, swept }

const refusal = (code, message) => ({ error: { code, message } });
const isText = (value) => typeof value === "string" && value.length > 0;

function storeOf(origin) {
  if (!stores.has(origin)) stores.set(origin, { kept: new Map(), swept: 0 });
  return stores.get(origin);
}

// Drops what is old, but not with every message: somebody may send very many.
function isFull(store) {
  const now = Date.now();
  if (store.kept.size >= MOST_KEYS && now - store.swept > 1000) {
    store.swept = now;
    for (const [key, { until }] of store.kept) if (until < now) store.kept.delete(key);
  }
  return store.kept.size >= MOST_KEYS;
}

function put({ key, value }, origin) {
  if (!isText(key)) return refusal("bad_request", "a key is needed");
  const store = storeOf(origin);
  if (value === null || value === undefined) {
    store.kept.delete(key);
    return { key };
  }
  if (typeof value !== "string") return refusal("bad_request", "a value is text");
  const isTooMuch = key.length > LONGEST || value.length > LONGEST || (!store.kept.has(key) && isFull(store));
  if (isTooMuch) return refusal("storage_exhaustion", "too much is kept");
  store.kept.set(key, { value, until: Date.now() + KEPT });
  return { key, value };
}

function get({ key }, origin) {
  if (!isText(key)) return refusal("bad_request", "a key is needed");
  const found = storeOf(origin).kept.get(key);
  return { key, value: found && found.until >= Date.now() ? found.value : null };
}

// What anybody of the tool may ask, answered to whoever asked.
const answers = {
  "lti.capabilities": () => ({
    supported_messages: [...Object.keys(answers), ...Object.keys(deeds)].map((subject) => ({ subject })),
  }),
  "lti.put_data": put,
  "lti.get_data": get,
  "lti.fetchWindowSize": () => ({
    height: window.innerHeight,
    width: window.innerWidth,
    offset: frame.getBoundingClientRect().top + window.scrollY,
    scrollY: window.scrollY,
  }),
};

const close = () => location.assign(frame.dataset.back);

// What only the tool's own frame may do to this page.
const deeds = {
  "lti.frameResize": ({ height }) => {
    const wanted = Number(height);
    if (Number.isFinite(wanted) && wanted > 0) {
      frame.style.blockSize = `${Math.min(Math.max(wanted, LEAST), MOST)}px`;
    }
  },
  "lti.scrollToTop": () => frame.scrollIntoView(),
  "lti.close": close,
  "org.imsglobal.lti.close": close,
};

function read(data) {
  if (typeof data !== "string") return data;
  try {
    return JSON.parse(data); // some tools send text
  } catch {
    return null;
  }
}

addEventListener("message", ({ source, origin, data }) => {
  const message = read(data);
  const subject = message?.subject;
  if (typeof subject !== "string" || !source) return;
  if (Object.hasOwn(deeds, subject)) {
    if (source === frame.contentWindow && origins.has(origin)) deeds[subject](message);
    return;
  }
  if (!subject.startsWith("lti.") || subject.endsWith(".response")) return;
  const answer = { subject: `${subject}.response`, message_id: message.message_id };
  const say = (said) => source.postMessage({ ...answer, ...said }, { targetOrigin: origin });
  if (origin === "null") return;
  if (!origins.has(origin)) say(refusal("wrong_origin", "this page serves its own tool only"));
  else if (!Object.hasOwn(answers, subject)) say(refusal("unsupported_subject", "not known here"));
  else if (!isText(message.message_id)) say(refusal("bad_request", "a message_id is needed"));
  else say(answers[subject](message, origin));
});
