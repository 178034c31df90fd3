// What makes a page live. Everything here is an addition: each page is complete without it.
"use strict";

(() => {
  const body = document.body;
  const STALE_MS = 5000;
  // How long a page waits before it opens a stream anew that was refused; twice as long each time.
  const AGAIN_MS = 1000;
  const AGAIN_MOST_MS = 10000;

  // A replaced part keeps what a person has done in it: focus, ticks, text, open details.
  function morph(old, next) {
    if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) {
      old.replaceWith(next.cloneNode(true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!next.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of next.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (old.hasAttribute("data-own")) return;
    const keyed = new Map();
    for (const child of old.children) if (child.id) keyed.set(child.id, child);
    let here = old.firstChild;
    for (const wanted of [...next.childNodes]) {
      const known = wanted.id ? keyed.get(wanted.id) : null;
      if (known && known !== here) old.insertBefore(known, here);
      if (known) {
        morph(known, wanted);
        here = known.nextSibling;
      } else if (here && !(here.id && here.id !== wanted.id)) {
        const after = here.nextSibling;
        morph(here, wanted);
        here = after;
      } else {
        old.insertBefore(wanted.cloneNode(true), here);
      }
    }
    while (here) {
      const after = here.nextSibling;
      here.remove();
      here = after;
    }
  }

  function put(id, html) {
    const place = document.getElementById("part-" + id);
    if (!place) return;
    const next = place.cloneNode(false);
    next.innerHTML = html;
    morph(place, next);
  }

  // The stream of changes. The browser connects again by itself where the stream breaks off.
  const stale = document.getElementById("stale");
  let heard = performance.now();
  let ageAtHearing = 0;

  function readAge() {
    const age = document.querySelector("[data-age]");
    return age ? Number(age.dataset.ms || 0) : 0;
  }

  function said(ms) {
    if (ms < 1000) return "under 1 s";
    const s = Math.floor(ms / 1000);
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min";
    return Math.floor(s / 3600) + " h " + String(Math.floor((s % 3600) / 60)).padStart(2, "0");
  }

  function watchAge() {
    const age = ageAtHearing + performance.now() - heard;
    const late = age > STALE_MS;
    stale.hidden = !late;
    if (late) stale.querySelector("[data-stale-age]").textContent = said(age);
    body.classList.toggle("is-stale", late);
    const text = document.querySelector("[data-age-text]");
    if (text && late) {
      const mark = text.closest("[data-age]");
      mark.classList.remove("live-ok");
      mark.classList.add("live-stale");
      text.previousSibling.nodeValue = "stale, ";
      text.textContent = said(age) + " old";
    }
  }

  let stream = null;
  let pause = AGAIN_MS;
  // Whether the page is left, and when to connect again.
  let left = false;
  let again = null;

  function connect() {
    if (stream) stream.close();
    stream = new EventSource(body.dataset.live);
    stream.addEventListener("open", () => { pause = AGAIN_MS; });
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) connectAgain();
    });
    stream.addEventListener("parts", (event) => {
      for (const [id, html] of JSON.parse(event.data)) put(id, html);
      heard = performance.now();
      ageAtHearing = readAge();
      body.dataset.heard = event.lastEventId;
      watchAge();
    });
    stream.addEventListener("age", (event) => {
      heard = performance.now();
      ageAtHearing = Number(event.data);
      watchAge();
    });
    stream.addEventListener("reload", () => location.reload());
  }

  // An answer that is no stream ends it for good, such as one of a proxy whose server is gone. Who
  // is no longer logged in is led to the login by the page itself.
  async function connectAgain() {
    const answer = await fetch("/api/v1/status", { cache: "no-store" }).catch(() => null);
    if (left) return;
    if (answer && answer.status === 401) {
      location.reload();
      return;
    }
    // Pages that lost the same server do not come back at the same moment.
    clearTimeout(again);
    again = setTimeout(connect, pause * (0.5 + Math.random() / 2));
    pause = Math.min(2 * pause, AGAIN_MOST_MS);
  }

  if (body.dataset.live && window.EventSource) {
    ageAtHearing = readAge();
    connect();
    setInterval(watchAge, 1000);
    window.addEventListener("pagehide", () => {
      left = true;
      clearTimeout(again);
      stream.close();
    });
    // A page that the browser has kept goes on when somebody comes back to it.
    window.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      left = false;
      connect();
    });
  }

  // Choices that lead somewhere do so at once.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // Keys of the inbox, and of lists of rows.
  const rows = () => [...document.querySelectorAll("[data-rows] > tr[data-link]")];
  let at = null;
  function move(by) {
    const all = rows();
    const place = Math.max(0, Math.min(all.length - 1, all.indexOf(at) + by));
    at = all[place] || null;
    const link = at && at.querySelector("a.cell");
    if (link) link.focus();
  }
  function act(what) {
    const row = document.activeElement.closest("tr[data-alert]");
    if (!row) return;
    const form = row.closest("form");
    const button = document.createElement("button");
    button.name = "one";
    button.value = what + " " + row.dataset.alert;
    button.hidden = true;
    form.append(button);
    form.requestSubmit(button);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter" && event.target.matches("textarea[data-run]")) {
      event.target.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    const undo = document.querySelector("form[data-undo] button");
    // The row that has the focus is meant before the sentence of what was done last.
    const row = document.activeElement.closest("tr");
    const own = row && row.querySelector("button[value^='undo ']");
    if (event.key === "u" && own) {
      own.form.requestSubmit(own);
      return;
    }
    if (event.key === "u" && undo) {
      undo.form.requestSubmit(undo);
      return;
    }
    if (!document.querySelector("[data-rows]")) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "x") {
      const row = document.activeElement.closest("tr[data-link]");
      const tick = row && row.querySelector("input[type=checkbox]");
      if (tick) tick.checked = !tick.checked;
    } else if (event.key === "a") act("acknowledge");
    else if (event.key === "s") act("snooze");
    else if (event.key === "r") act("resolve");
    else if (event.key === "u") act("undo");
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest && event.target.closest("[data-rows] > tr[data-link]");
    if (row) at = row;
  });

  // Copying.
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy || !navigator.clipboard) return;
    event.preventDefault();
    navigator.clipboard.writeText(copy.dataset.copy).then(() => {
      const was = copy.textContent;
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = was; }, 1500);
    });
  });
})();
