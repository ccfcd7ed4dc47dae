// Live boards: a stream says that the board moved; the board is then fetched again, at most once in two seconds.
// While pointer or focus is in the table, changes wait behind a bar.
(() => {
  "use strict";
  const PAUSE = 2000;
  const FLASH = 6000;
  const ANNOUNCE = 60000;
  const slot = document.getElementById("live");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const flashes = new Map();
  let stream = null;
  let greeted = false;
  let retry = 0;
  let today = "";
  let timer = 0;
  let fetchedAt = 0;
  let asking = false;
  let waiting = null;
  let saidAt = 0;
  let said = ownPlace();
  let swept = [];

  function open() {
    if (stream || document.hidden) return;
    stream = new EventSource(slot.dataset.url);
    stream.addEventListener("open", () => {
      // After a gap nobody knows what was missed.
      if (greeted) soon();
      greeted = true;
      retry = 0;
      tell("Live");
    });
    stream.addEventListener("presence", (event) => {
      const { coding, day } = JSON.parse(event.data);
      // At midnight boards begin anew, without a record.
      if (today && today !== day) soon();
      today = day;
      tell(coding > 0 ? `Live · ${coding} coding now` : "Live");
    });
    stream.addEventListener("record", (event) => {
      const until = Date.now() + FLASH;
      for (const { name, tokens } of JSON.parse(event.data).arrivals) {
        if (!name) continue;
        const earlier = flashes.get(name);
        const more = earlier && earlier.until > Date.now() ? earlier.tokens : 0;
        flashes.set(name, { tokens: more + tokens, until });
        swept.push(name);
      }
      soon();
    });
    stream.addEventListener("error", () => {
      if (greeted) lost();
      // The browser tries again by itself, except where the server refused.
      if (stream && stream.readyState === EventSource.CLOSED) {
        shut();
        if (greeted) setTimeout(open, Math.min(60000, 2000 * 2 ** retry++));
      }
    });
  }

  function shut() {
    stream?.close();
    stream = null;
  }

  function tell(words) {
    slot.hidden = false;
    slot.classList.remove("lost");
    write(slot.querySelector(".live_words"), words);
  }

  function lost() {
    slot.classList.add("lost");
    write(slot.querySelector(".live_words"), "Reconnecting");
  }

  function write(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  function soon() {
    if (timer || document.hidden || !board()) return;
    timer = setTimeout(fetchBoard, Math.max(0, fetchedAt + PAUSE - Date.now()));
  }

  async function fetchBoard() {
    timer = 0;
    if (asking) return soon();
    asking = true;
    fetchedAt = Date.now();
    const address = location.href;
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Target": "board", "HX-Current-URL": address } });
      const text = await answer.text();
      // The reader may have gone to another view meanwhile.
      if (!answer.ok || address !== location.href || !board()) return;
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("board");
      if (!fresh) return;
      if (isRead()) hold(text, fresh);
      else show(text);
    } catch {
      // The stream tells of a lost connection.
    } finally {
      asking = false;
    }
  }

  // A board of what is over does not move.
  function board() {
    return document.querySelector("#board:not([data-over])");
  }

  function isRead() {
    const sheet = document.querySelector("#board .sheet");
    const hovered = matchMedia("(hover: hover)").matches && sheet?.matches(":hover");
    const find = document.getElementById("find");
    const typing = find && find.value.trim() !== find.defaultValue;
    return Boolean(hovered || typing || sheet?.querySelector(":focus-visible"));
  }

  function hold(text, fresh) {
    const changes = changed(fresh);
    const bar = document.getElementById("held");
    if (!bar || !changes) return;
    waiting = { text, address: location.href };
    bar.hidden = false;
    write(bar.firstElementChild, `${changes} ${changes === 1 ? "change" : "changes"} while you were reading. Show`);
  }

  function changed(fresh) {
    let count = 0;
    for (const row of fresh.querySelectorAll("tbody tr[id]")) {
      const old = document.getElementById(row.id);
      const same = old && ["rk", "sc", "tk", "se"].every((c) => figure(old, c) === figure(row, c));
      if (!same) count += 1;
    }
    // Whoever went private has left a row without a name.
    for (const row of document.querySelectorAll("#board tbody tr[id]")) {
      if (!fresh.querySelector(`#${CSS.escape(row.id)}`)) count += 1;
    }
    return count;
  }

  function figure(row, column) {
    const cell = row.querySelector(`.${column}`);
    return cell.title || cell.lastChild?.textContent;
  }

  function release() {
    if (!waiting) return;
    const { text, address } = waiting;
    waiting = null;
    if (address === location.href) show(text);
  }

  function show(text) {
    waiting = null;
    const swap = () => {
      htmx.swap("#board", text, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 });
      decorate();
    };
    if (still.matches || !document.startViewTransition || !orderMoves(text)) {
      swap();
      return;
    }
    name(true);
    const transition = document.startViewTransition(() => {
      swap();
      name(true);
      document.querySelector("#board .sheet")?.classList.add("moving");
    });
    transition.finished.finally(() => name(false));
  }

  function orderMoves(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const order = (root) => [...root.querySelectorAll("#board tbody tr")].map((row) => row.id).join(" ");
    return order(fresh) !== order(document);
  }

  function name(named) {
    for (const row of document.querySelectorAll("#board tbody tr[id]")) {
      const { top, bottom } = row.getBoundingClientRect();
      const near = bottom > -200 && top < innerHeight + 200;
      row.style.viewTransitionName = named && near ? row.id : "";
    }
  }

  function decorate() {
    const now = Date.now();
    for (const [person, { tokens, until }] of flashes) {
      if (until <= now) {
        flashes.delete(person);
        continue;
      }
      const row = document.getElementById(`r-${person}`);
      for (const place of row?.querySelectorAll(".tk, .sub") ?? []) flash(place, tokens, until - now);
    }
    if (!still.matches) {
      for (const person of new Set(swept)) sweep(document.getElementById(`r-${person}`));
    }
    swept = [];
    announce();
  }

  function flash(place, tokens, rest) {
    const mark = document.createElement("span");
    mark.className = "flash";
    mark.textContent = `+${short(tokens)}`;
    place.prepend(mark);
    setTimeout(() => mark.remove(), rest);
  }

  function sweep(row) {
    const line = document.createElement("span");
    line.className = "sweep";
    row?.querySelector(".nm").append(line);
    setTimeout(() => line.remove(), 1900);
  }

  function short(number) {
    if (number < 10000) return number.toLocaleString("en");
    let size = number;
    for (const unit of ["K", "M", "B"]) {
      size /= 1000;
      if (size < 999.5 || unit === "B") return `${size.toPrecision(3)}${unit}`;
    }
  }

  function ownPlace() {
    return document.querySelector("#board tr.me .rk")?.firstChild.textContent ?? "";
  }

  function announce() {
    const place = ownPlace();
    if (!place || place === said || Date.now() - saidAt < ANNOUNCE) return;
    said = place;
    saidAt = Date.now();
    write(document.getElementById("my_rank"), `You are now in place ${place}.`);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) shut();
    else open();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#held button")) release();
  });
  document.addEventListener("pointerout", (event) => {
    if (waiting && event.target.closest?.(".sheet") && !event.relatedTarget?.closest?.(".sheet, #held")) {
      setTimeout(() => { if (!isRead()) release(); }, 400);
    }
  });
  document.addEventListener("focusout", () => setTimeout(() => { if (waiting && !isRead()) release(); }, 400));
  // Another view of the board makes what waits worthless.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "board" || event.target.id === "board") {
      waiting = null;
      said = ownPlace();
    }
  });
  addEventListener("pagehide", shut);
  addEventListener("pageshow", open);
  open();
})();
