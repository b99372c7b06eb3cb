// What both pages need: the token that only our own pages know is sent along with every change.
"use strict";

(() => {
  const token = document.querySelector('meta[name="csrf-token"]').content;

  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRF-Token"] = token;
  });

  // What was refused is said where the answer would stand.
  document.addEventListener("htmx:responseError", (event) => {
    let said = `The server answered ${event.detail.xhr.status}.`;
    try {
      const detail = JSON.parse(event.detail.xhr.responseText).detail;
      if (typeof detail === "string") said = detail;
    } catch {
      // Not JSON: the number must do.
    }
    const target = event.detail.target;
    if (target) target.textContent = said;
  });
})();
