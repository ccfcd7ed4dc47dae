// What every page may use: the form token on htmx requests, copy buttons, toasts, menus that close.
// Pages work without it.
(() => {
  "use strict";
  document.documentElement.classList.add("js");

  // A row of tabs that is wider than the screen shows the one that is open.
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  document.addEventListener("htmx:configRequest", (event) => {
    const { headers, parameters, verb, elt } = event.detail;
    headers["X-CSRF-Token"] = document.querySelector('meta[name="csrf"]').content;
    if (verb !== "get") return;
    // Addresses stay short: what is usual is left out.
    for (const field of elt.querySelectorAll?.("[data-default]") ?? []) {
      if (parameters[field.name] === field.dataset.default) delete parameters[field.name];
    }
  });

  document.addEventListener("htmx:sendError", () => toast("Not done: the server did not answer."));
  document.addEventListener("htmx:responseError", (event) => {
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    toast(page.querySelector(".said, .problem")?.textContent ?? "Not done: the server refused.");
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    for (const menu of document.querySelectorAll(".menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll(".menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  async function copy(button) {
    const source = button.parentElement.querySelector("code");
    const words = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // On plain http there is no clipboard; a selection can still be copied.
      getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) return;
    }
    words.textContent = "Copied";
    setTimeout(() => { words.textContent = "Copy"; }, 2000);
  }

  // Errors stay until they are closed.
  function toast(sentence) {
    const box = document.getElementById("toast").content.firstElementChild.cloneNode(true);
    box.querySelector("span").textContent = sentence;
    box.querySelector("button").addEventListener("click", () => box.remove());
    document.getElementById("toasts").replaceChildren(box);
  }
})();
