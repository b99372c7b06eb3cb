// The label page: shows one question, has the next ones ready, and keeps every answer in this browser until
// the server has it.
import { Outbox } from "/static/outbox.js";
import { Player } from "/static/player.js";
import { Steering } from "/static/steering.js";
import { Typed } from "/static/typed.js";

const AHEAD = 4;
const HOLD_MS = 40_000;
const LOOK_AGAIN_MS = 2_500;
const PAUSE_AFTER_MS = 25 * 60_000;
const PAUSE_AFTER_ANSWERS = 150;
const REST_MS = 5 * 60_000;

const $ = (id) => document.getElementById(id);
const person = document.body.dataset.person;
const run = document.body.dataset.run;
const token = document.querySelector('meta[name="csrf-token"]').content;

async function ask(path, body) {
  // Sent with what changes nothing, too: somebody else may have come in by this browser since.
  const headers = { "content-type": "application/json", "x-csrf-token": token };
  const options = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body), keepalive: true };
  const response = await fetch(path, options);
  if (!response.ok) {
    const error = new Error(String(response.status));
    error.status = response.status;
    error.detail = await response.json().then((one) => one.detail, () => "");
    throw error;
  }
  return response.status === 204 ? null : response.json();
}

// --- what is shown ---------------------------------------------------------------------------------

let queue = [];
const history = [];
let standing = null;
let sinceShown = 0;
let shownFor = 0;
let sure = null;
let order = [];
let paused = false;
let fetching = false;
let again = false;
let away = false;
let nothing = false;
// Answered or put off since the server was last asked: what it says of them then may be old.
const gone = new Set();
let lettingGo = Promise.resolve();
let lookTimer = 0;
let workedSince = Date.now();
let answeredAt = Date.now();
let answeredSince = 0;
const typed = new Typed();
const player = new Player($("player"), $("back"), $("play"), $("forth"), $("time"));
const outbox = new Outbox(`rrm ${run}\n${person}`, (entry) => ask("/api/answer", entry), {
  changed: showSaved,
  sent: (entry, kept) => { gone.add(entry.id); if (kept.state === "amended") notice("That question was used already: your new answer is kept beside it, as an amendment."); },
  refused: (entry, error) => notice(`An answer was not taken: ${error.detail || error.message}`),
});

const current = () => queue[0];
const isDigits = (one) => ["best", "correction", "critique", "ranking", "rating"].includes(one.kind);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Built when a question comes, long before it is shown: its turn is then a swap.
function prepare(question) {
  if (question.wheel) {
    question.steering = new Steering(question, {
      ask, trouble: explain, done: (said) => { if (current() === question) press(said); },
      say: (words) => { $("said").textContent = words; },
    });
    question.nodes = [question.steering.figure];
    question.table = element("div");
    return question;
  }
  question.nodes = question.panes.map((pane, place) => {
    let seen;
    if (pane.form === "video") {
      seen = element("video", { src: pane.source, muted: true, playsInline: true, preload: "auto" });
      seen.setAttribute("aria-label", `${pane.name}: ${pane.words}`);
      seen.frameSeconds = 1 / (pane.per_second || 15);
    } else if (pane.form === "frame") {
      seen = element("iframe", { src: pane.source, title: `${pane.name}: ${pane.words || "an outcome"}` });
      seen.setAttribute("sandbox", "");
    } else {
      seen = element("img", { src: pane.source, alt: `${pane.name}: ${pane.words || "an outcome"}` });
      question.ready = Promise.allSettled([question.ready, seen.decode()]);
      seen.addEventListener("load", () => seen.closest(".pane").classList.toggle("broad", seen.naturalWidth > 2.5 * seen.naturalHeight));
    }
    const shown = pane.form === "frame"
      ? seen
      : element("button", { type: "button", className: "see", onclick: () => zoom(place) }, seen);
    if (shown !== seen) shown.setAttribute("aria-label", `zoom into ${pane.name}`);
    const told = element("span", { className: pane.form === "image" ? "words drawn" : "words", textContent: pane.words });
    const words = element("figcaption", {}, element("b", { textContent: title(question, place) }), " ", told, element("span", { className: "soft", textContent: pane.note }));
    const figure = element("figure", { className: "pane" }, shown, words);
    if (pane.spelled) {
      const summary = element("summary", {}, "in letters", element("span", { className: "hidden", textContent: `: ${pane.name}` }));
      figure.append(element("details", { className: "spelled" }, summary, element("pre", { textContent: pane.spelled })));
    }
    return figure;
  });
  question.table = adviceOf(question);
  return question;
}

function title(question, place) {
  if (question.kind === "preference") return place ? "Right" : "Left";
  return question.panes.length > 1 ? `${place + 1}` : "";
}

function adviceOf(question) {
  const parts = [];
  if (question.hidden) {
    parts.push(element("p", { className: "hiddenadvice", textContent: "What the helpers say is hidden for this question, so that their worth can be measured. Judge by yourself." }));
  } else if (question.counsel.length) {
    const rows = question.counsel.flatMap((one) => {
      const opened = one.evidence.map((where, place) => {
        const side = question.panes.length > 1 ? ` about ${title(question, place).toLowerCase()}` : "";
        const inside = element("div", {}, element("p", { className: "soft", textContent: "asking …" }));
        inside.setAttribute("hx-get", where);
        inside.setAttribute("hx-trigger", "toggle from:closest details once");
        const summary = element("summary", {}, "what ", element("bdi", { textContent: one.helper }), ` said${side}, and why`);
        return element("details", {}, summary, inside);
      });
      const below = element("td", { colSpan: 3 }, element("div", { className: "opened" }, ...opened));
      return [element("tr", { className: "counsel" },
        Object.assign(element("th", {}, element("bdi", { textContent: one.helper })), { scope: "row" }),
        element("td", { textContent: one.doc }), element("td", { textContent: one.trust })),
      element("tr", {}, below)];
    });
    const head = element("tr", {}, ...["helper", "what it is asked", "how far to trust it"].map(
      (words) => Object.assign(element("th", { textContent: words }), { scope: "col" })));
    const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
    parts.push(element("h2", { textContent: "What the helpers say" }),
      element("p", { className: "soft", textContent: "It is drawn on the pictures. Helpers can be wrong; the table says how often they were when it was measured." }),
      Object.assign(element("div", { className: "wide" }, table), { tabIndex: 0 }));
  }
  return element("div", {}, ...parts);
}

const ANSWERS = {
  preference: [["left", "←", "left"], ["tie", "↓", "alike"], ["right", "→", "right"]],
  label: [["no", "←", "no"], ["yes", "→", "yes"]],
};

function answersOf(question) {
  if (ANSWERS[question.kind]) {
    return ANSWERS[question.kind].map(([choice, key, words]) => {
      const sides = key === "→" ? [words, " ", element("kbd", { textContent: key })] : [element("kbd", { textContent: key }), " ", words];
      const made = element("button", { type: "button", onclick: () => press({ choice }) }, ...sides);
      made.classList.toggle("before", question.before === choice);
      return made;
    });
  }
  if (question.kind === "rating") {
    return Array.from({ length: 10 }, (_, number) => {
      const made = element("button", { type: "button", onclick: () => press({ choice: "rate", number }) }, element("kbd", { textContent: number }));
      made.setAttribute("aria-label", `rate ${number} of 9`);
      made.classList.toggle("before", question.before === `rate ${number}`);
      return made;
    });
  }
  return question.panes.map((pane, place) => {
    const words = question.kind === "critique" ? "went wrong here" : question.kind === "ranking" ? "next best" : "this one";
    const made = element("button", { type: "button", onclick: () => pick(place) }, element("kbd", { textContent: place + 1 }), ` ${words}`);
    made.classList.toggle("before", question.before === `pick ${place + 1}`);
    return made;
  });
}

function show() {
  const question = current();
  order = [];
  typed.end();
  closeReasons();
  $("stage").hidden = !question;
  $("idle").hidden = Boolean(question);
  if (!question) {
    idle();
    return;
  }
  clearTimeout(lookTimer);
  $("question").textContent = question.question;
  $("part").replaceChildren(...(question.part ? ["About ", element("b", { textContent: question.part }), ", ringed."] : []));
  $("part").hidden = !question.part;
  const panes = $("panes");
  panes.className = `panes ${{ 1: "one", 2: "two" }[question.nodes.length] || "many"}`;
  panes.replaceChildren(...question.nodes);
  $("answers").className = `answers ${question.steering ? "steering" : isDigits(question) ? question.kind === "rating" ? "many" : "picks" : ""}`;
  const cycles = isDigits(question) || Boolean(question.steering);
  $("sure").classList.toggle("cycled", cycles);
  $("cycle").hidden = !cycles;
  $("answers").replaceChildren(...(question.steering ? question.steering.nodes : answersOf(question)));
  // It may have been put off or answered before, half in order.
  if (question.kind === "ranking") showOrder();
  $("advice").replaceChildren(question.table);
  if (window.htmx) window.htmx.process($("advice"));
  player.watch([...panes.querySelectorAll("video")]);
  setSure(null);
  sinceShown = document.hidden ? 0 : performance.now();
  shownFor = 0;
  const words = question.steering
    ? question.steering.where()
    : question.panes.map((pane, place) => `${title(question, place)}: ${pane.words} ${pane.note}`).join(". ");
  $("said").textContent = `${question.question} ${question.part || ""} ${words} ${question.hidden ? "Advice is hidden." : ""}`;
  document.documentElement.dataset.question = question.id;
  document.documentElement.dataset.ahead = queue.length;
}

function idle() {
  delete document.documentElement.dataset.question;
  player.watch([]);
  const left = standing ? standing.open : 0;
  clearTimeout(lookTimer);
  $("resume").hidden = !paused;
  if (paused) {
    $("idle-title").textContent = "Pause.";
    $("idle-text").textContent = "Your questions are given back; nothing is lost.";
    return;
  }
  lookTimer = setTimeout(refill, LOOK_AGAIN_MS);
  if (away || !nothing) {
    $("idle-title").textContent = away ? "The server is away." : "One moment …";
    $("idle-text").textContent = away ? "This page looks again by itself; answers that it keeps are sent then." : "";
    return;
  }
  $("idle-title").textContent = left ? "Nothing for you just now." : "Nothing to judge now.";
  $("idle-text").textContent = left
    ? `${left} question${left === 1 ? " is" : "s are"} with others. This page looks again by itself.`
    : "Thank you. If the run asks for more, it appears here by itself.";
}

function showStanding() {
  if (!standing) return;
  const waiting = outbox.size;
  const left = Math.max(0, standing.left - waiting);
  $("progress").max = Math.max(1, standing.wanted);
  // Nothing is wanted once the node has learned from the answers: all are in, not none.
  $("progress").value = standing.wanted ? standing.wanted - left : 1;
  const told = [standing.wanted ? `${left} of ${standing.wanted} left` : "all answered", `you: ${standing.mine + waiting}`];
  if (standing.compared) told.push(`agrees with others: ${standing.agreed} of ${standing.compared}`);
  if (standing.seconds) told.push(`${standing.seconds.toFixed(1)} s each`);
  if (left && standing.time_left) told.push(`${standing.time_left} for one person`);
  $("far").textContent = told.join(" · ");
}

function showSaved(size, trouble) {
  const saved = $("saved");
  saved.classList.toggle("trouble", Boolean(trouble));
  saved.textContent = trouble ? `${trouble}; ${size} answer${size === 1 ? " is" : "s are"} kept here` : size ? "saving …" : "all saved";
  showStanding();
}

function notice(words) {
  $("notice").textContent = words;
  $("notice").hidden = !words;
}

// --- what is fetched ---------------------------------------------------------------------------------

async function refill() {
  if (paused) return;
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  again = false;
  try {
    await lettingGo;
    gone.clear();
    // The first one alone: it is there sooner. What is answered and on its way is still held, and comes first.
    const count = Math.min(8, (queue.length ? AHEAD : 1) + outbox.size);
    const had = queue.length;
    const found = await ask(`/api/work?count=${count}`);
    standing = found.standing;
    if (away) notice("");
    away = false;
    const known = new Set(queue.map((one) => one.id));
    for (const one of found.questions) {
      if (!known.has(one.id) && !outbox.has(one.id) && !gone.has(one.id)) queue.push(prepare(one));
    }
    // What was answered meanwhile may be all that was sent.
    nothing = !queue.length && !again && !outbox.size && !found.questions.length;
    // The last one may have been answered while these came.
    if ($("stage").hidden) show();
    showStanding();
    document.documentElement.dataset.ahead = queue.length;
    if (!nothing && !queue.length) again = true;
    if (!had && queue.length) again = true;
  } catch (error) {
    explain(error);
  } finally {
    fetching = false;
    if (again) setTimeout(refill, queue.length ? 0 : 150);
  }
}

function explain(error) {
  if (error.status === 401) notice("Your session has ended. Open your link again; answers kept here are sent then.");
  else if (error.status === 403) notice(sentence(error.detail || "the page is out of date; load it again"));
  else if (error.status === 429) setTimeout(refill, 1500);
  else {
    away = true;
    showSaved(outbox.size, error.status ? "the server is in trouble" : "the server is away");
    if (typeof error.detail === "string" && error.detail) notice(sentence(error.detail));
  }
  if (!current()) idle();
}

const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1)}`.replace(/[^.!?]$/, "$&.");

async function hold() {
  if (paused || document.hidden || !queue.length) return;
  const ids = queue.filter((one) => !one.used).slice(0, 8).map((one) => one.id);
  try {
    const kept = new Set((await ask("/api/hold", { ids })).ids);
    const lost = ids.filter((id) => !kept.has(id) && !outbox.has(id));
    drop(lost);
  } catch (error) {
    explain(error);
  }
}

function drop(ids) {
  const wasShown = current() && ids.includes(current().id);
  queue = queue.filter((one) => !ids.includes(one.id));
  if (wasShown) {
    notice("That question went to somebody else.");
    show();
  }
  if (queue.length < AHEAD) refill();
}

// --- what is pressed ---------------------------------------------------------------------------------

function press(said) {
  const question = current();
  if (!question) return;
  const seconds = shownFor + (sinceShown ? performance.now() - sinceShown : 0);
  const entry = { id: question.id, ...said, confidence: sure, seconds: Math.round(seconds) / 1000 };
  // Kept before anything else happens: a crash after this line loses nothing.
  outbox.put(entry);
  tabs.postMessage({ answered: question.id });
  history.push(question);
  queue.shift();
  notice("");
  answeredSince += 1;
  show();
  showStanding();
  hintPause();
  outbox.flush();
  // What comes is made ready only when the next question has been painted.
  if (queue.length < AHEAD) requestAnimationFrame(() => setTimeout(refill));
}

function pick(place) {
  const question = current();
  if (!question || place >= question.panes.length) return;
  if (question.kind !== "ranking") return press({ choice: "pick", number: place });
  if (order.includes(place)) return;
  order.push(place);
  const rest = question.panes.map((_, one) => one).filter((one) => !order.includes(one));
  if (rest.length === 1) order.push(rest[0]);
  showOrder();
  if (order.length === question.panes.length) press({ choice: "rank", order: [...order] });
}

function type(digit) {
  const count = current().panes.length;
  const place = typed.add(digit, count);
  notice(typed.text ? `${typed.text}: another digit for ${typed.text}0 to ${Math.min(count, Number(typed.text) * 10 + 9)}, or Enter.` : "");
  if (place !== null) pick(place);
}

function showOrder() {
  const before = current().before?.split(" ").slice(1).map(Number) || [];
  current().nodes.forEach((pane, place) => {
    const rank = order.indexOf(place);
    pane.classList.toggle("chosen", rank >= 0);
    const was = before.indexOf(place + 1) + 1;
    const said = rank >= 0 ? ` is number ${rank + 1}` : was ? ` (number ${was} before)` : "";
    pane.querySelector("figcaption b").textContent = `${place + 1}${said}`;
  });
}

async function undo() {
  const last = history.at(-1);
  await outbox.settle();
  if (last && outbox.has(last.id)) {
    // The server has never heard of it.
    outbox.drop(last.id);
    history.pop();
    return reopen(last);
  }
  try {
    const { question } = await ask("/api/undo", {});
    if (question) {
      const place = history.findLastIndex((one) => one.id === question.id);
      if (place >= 0) history.splice(place, 1);
      return reopen(prepare(question));
    }
    if (!last) return notice("There is nothing to take back.");
    history.pop();
    const again = await ask(`/api/question/${last.id}`);
    reopen(prepare({ ...again, used: true }));
    notice("What you answered here has been learned from. Another answer is kept beside it, as an amendment; s goes on without.");
  } catch (error) {
    explain(error);
  }
}

function reopen(question) {
  queue = [question, ...queue.filter((one) => one.id !== question.id)];
  notice("");
  show();
  refill();
}

function putOff() {
  const question = current();
  if (!question) return;
  if (queue.length < 2 && !question.used) return notice("There is no other question now.");
  queue.shift();
  // It comes again after all others. What has been learned from does not: the amendment is not wanted.
  if (!question.used) {
    gone.add(question.id);
    lettingGo = ask("/api/release", { ids: [question.id] }).catch(explain);
  }
  notice("");
  show();
  refill();
}

function setSure(value) {
  sure = value;
  for (const one of document.querySelectorAll('input[name="sure"]')) one.checked = Number(one.value) === value;
}

function openReasons() {
  $("reasons").hidden = false;
  $("cannot").setAttribute("aria-expanded", "true");
  $("reasons").querySelector("button").focus();
}

function closeReasons() {
  $("reasons").hidden = true;
  $("cannot").setAttribute("aria-expanded", "false");
}

function cannot(reason) {
  press({ choice: "cannot", reason });
}

function zoom(place) {
  const panes = $("panes");
  const nodes = current() ? current().nodes : [];
  const big = nodes.findIndex((one) => one.classList.contains("big"));
  const next = place === undefined ? big + 1 : big === place ? nodes.length : place;
  nodes.forEach((one, at) => one.classList.toggle("big", at === next));
  panes.classList.toggle("zoomed", next < nodes.length);
  panes.scrollIntoView({ block: "nearest" });
}

async function pause() {
  const ids = queue.slice(0, 8).map((one) => one.id);
  paused = true;
  queue = [];
  show();
  await outbox.settle();
  if (ids.length) await ask("/api/release", { ids }).catch(() => {});
  workedSince = Date.now();
  answeredSince = 0;
}

function resume() {
  paused = false;
  workedSince = Date.now();
  notice("");
  refill();
}

function hintPause() {
  // Whoever had nothing to judge for a while, or was away, has rested.
  if (Date.now() - answeredAt > REST_MS) {
    workedSince = Date.now();
    answeredSince = 1;
  }
  answeredAt = Date.now();
  const minutes = Math.round((Date.now() - workedSince) / 60_000);
  if (answeredSince < PAUSE_AFTER_ANSWERS && minutes * 60_000 < PAUSE_AFTER_MS) return;
  notice(`${answeredSince} answers in ${minutes || 1} minute${minutes > 1 ? "s" : ""}. A pause helps you to stay right: p.`);
  workedSince = Date.now();
  answeredSince = 0;
}

function toggleHelp() {
  $("help").hidden = !$("help").hidden;
  $("keys").setAttribute("aria-expanded", String(!$("help").hidden));
}

// --- keys --------------------------------------------------------------------------------------------

const KEYS = {
  ArrowLeft: { preference: { choice: "left" }, label: { choice: "no" } },
  ArrowRight: { preference: { choice: "right" }, label: { choice: "yes" } },
  ArrowDown: { preference: { choice: "tie" } },
};

function onKey(event) {
  // A key that is held takes the same action again and again; it gives no answer twice.
  if (event.ctrlKey || event.metaKey || event.altKey || (event.repeat && !current()?.steering)) return;
  if (event.target instanceof HTMLInputElement && event.target.type === "range" && event.key.startsWith("Arrow")) return;
  const question = current();
  if (!question) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!$("reasons").hidden) return onReasonKey(event, key);
  if (question.steering?.press(key)) return event.preventDefault();
  if (event.repeat) return;
  const said = KEYS[key]?.[question.kind];
  const digit = /^[0-9]$/.test(key) ? Number(key) : null;
  const does = {
    u: undo, s: putOff, n: openReasons, z: () => zoom(), p: pause, "?": toggleHelp,
    h: () => $("advice").focus(), c: () => setSure(sure === null ? 1 : sure === 3 ? null : sure + 1),
    ",": () => player.step(-1), ".": () => player.step(1),
  };
  if (said) press(said);
  else if (digit !== null && isDigits(question)) question.kind === "rating" ? press({ choice: "rate", number: digit }) : type(digit);
  else if (key === "Enter" && typed.text) pick(typed.end());
  else if (!question.steering && digit >= 1 && digit <= 3) setSure(sure === digit ? null : digit);
  else if (key === " " && player.plays && !event.target.closest("button, summary, a")) player.toggle();
  else if (key === "Backspace" && order.length) { order.pop(); showOrder(); }
  else if (key === "Escape" && $("panes").classList.contains("zoomed")) zoom(question.nodes.length);
  else if (does[key]) does[key]();
  else return;
  event.preventDefault();
}

function onReasonKey(event, key) {
  const buttons = [...$("reasons").querySelectorAll("button")];
  if (key === "Escape") { closeReasons(); $("cannot").focus(); }
  else if (key === "n") cannot(0);
  else if (/^[0-9]$/.test(key) && buttons[Number(key)]) cannot(Number(key));
  else return;
  event.preventDefault();
}

// --- begin -------------------------------------------------------------------------------------------

const tabs = new BroadcastChannel(`rrm ${run}\n${person}`);
tabs.onmessage = ({ data }) => {
  // Another tab has answered it.
  const wasShown = current()?.id === data.answered;
  gone.add(data.answered);
  queue = queue.filter((one) => one.id !== data.answered);
  if (wasShown) show();
  if (queue.length < AHEAD) refill();
};

document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => {
  // Time with the page out of sight is not time spent on the question.
  if (document.hidden && sinceShown) {
    shownFor += performance.now() - sinceShown;
    sinceShown = 0;
  } else if (!document.hidden && !sinceShown) {
    sinceShown = performance.now();
    hold();
  }
});
for (const [id, act] of Object.entries({ undo, later: putOff, zoom: () => zoom(), pause, keys: toggleHelp, resume,
  cannot: () => ($("reasons").hidden ? openReasons() : closeReasons()) })) {
  $(id).addEventListener("click", act);
}
$("reasons").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) cannot(Number(button.dataset.reason));
});
$("sure").addEventListener("change", (event) => {
  setSure(Number(event.target.value));
  event.target.blur();
});
addEventListener("online", () => outbox.flush());
setInterval(hold, HOLD_MS);
setInterval(() => ask("/api/standing").then((found) => { standing = found; showStanding(); }, () => {}), 15_000);
showSaved(outbox.size, "");
outbox.flush();
refill();
