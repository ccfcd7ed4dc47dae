// A project that is being judged: a stream says that it got on, and the part of the page is fetched again. Without a
// stream it is fetched now and then all the same.
(() => {
  "use strict";
  let stream = null;

  function follow() {
    const part = document.querySelector("#project[data-follow]");
    if (!part || document.hidden) return shut();
    if (stream) return;
    stream = new EventSource(part.dataset.follow);
    stream.addEventListener("step", fetchPart);
    stream.addEventListener("end", () => {
      shut();
      fetchPart();
    });
  }

  function fetchPart() {
    if (document.querySelector("#project[data-follow]")) htmx.trigger("#project", "step");
  }

  function shut() {
    stream?.close();
    stream = null;
  }

  document.addEventListener("visibilitychange", follow);
  document.addEventListener("htmx:afterSettle", follow);
  addEventListener("pagehide", shut);
  addEventListener("pageshow", follow);
  follow();
})();
