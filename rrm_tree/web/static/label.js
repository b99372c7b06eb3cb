// The label page: shows one question, has the next ones ready, and keeps every answer in this browser until
// the server has it.
import { Outbox } from "/static/outbox.js";
import { Player } from "/static/player.js";
import { answersOf, element, isDigits, markOrder, prepare, title } from "/static/question.js";
import { ask } from "/static/server.js";
import { Steering } from "/static/steering.js";
import { Stretch } from "/static/stretch.js";
import { Typed } from "/static/typed.js";

const AHEAD = 4;
const HOLD_MS = 40_000;
const LOOK_AGAIN_MS = 2_500;

const $ = (id) => document.getElementById(id);
const person = document.body.dataset.person;
const run = document.body.dataset.run;

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
const stretch = new Stretch();
const typed = new Typed();
const player = new Player($("player"), $("back"), $("play"), $("forth"), $("time"));
const outbox = new Outbox(`rrm ${run}\n${person}`, (entry) => ask("/api/answer", entry), {
  changed: showSaved,
  sent: (entry, kept) => { gone.add(entry.id); if (kept.state === "amended") notice("That question was used already: your new answer is kept beside it, as an amendment."); },
  refused: (entry, error) => notice(`An answer was not taken: ${error.detail || error.message}`),
});

const current = () => queue[0];
const ready = (question) => prepare(question, { zoom, steer });

function steer(question) {
  return new Steering(question, {
    ask, trouble: explain, done: (said) => { if (current() === question) press(said); },
    say: (words) => { $("said").textContent = words; },
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
  $("answers").replaceChildren(...(question.steering ? question.steering.nodes : answersOf(question, { press, pick })));
  // It may have been put off or answered before, half in order.
  if (question.kind === "ranking") markOrder(question, order);
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
      if (!known.has(one.id) && !outbox.has(one.id) && !gone.has(one.id)) queue.push(ready(one));
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
  show();
  showStanding();
  const advice = stretch.note();
  if (advice) notice(advice);
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
  markOrder(question, order);
  if (order.length === question.panes.length) press({ choice: "rank", order: [...order] });
}

function type(digit) {
  const count = current().panes.length;
  const place = typed.add(digit, count);
  notice(typed.text ? `${typed.text}: another digit for ${typed.text}0 to ${Math.min(count, Number(typed.text) * 10 + 9)}, or Enter.` : "");
  if (place !== null) pick(place);
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
      return reopen(ready(question));
    }
    if (!last) return notice("There is nothing to take back.");
    history.pop();
    const again = await ask(`/api/question/${last.id}`);
    reopen(ready({ ...again, used: true }));
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
  stretch.begin();
}

function resume() {
  paused = false;
  stretch.begin();
  notice("");
  refill();
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
  else if (key === "Backspace" && order.length) { order.pop(); markOrder(question, order); }
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
