// Inside another LMS's page: tells it how high this page is, whenever that changes (lti.frameResize; CSS pixels).

const LEAST = 100;
const MOST = 10000;
const { frameOrigin } = document.body.dataset;

if (frameOrigin && window.parent !== window) {
  let told = 0;
  new ResizeObserver(() => {
    const height = Math.min(Math.max(Math.ceil(document.body.getBoundingClientRect().height), LEAST), MOST);
    if (height === told) return;
    told = height;
    window.parent.postMessage({ subject: "lti.frameResize", height }, frameOrigin);
  }).observe(document.body);
}
