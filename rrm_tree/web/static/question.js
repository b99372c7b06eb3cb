// One question as elements of the page: its outcomes, what helpers say of them, the buttons that answer it.

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Built when a question comes, long before it is shown: its turn is then a swap.
// zoom: what a click on a picture does. steer: gives the Steering of a question that wants an episode.
export function prepare(question, { zoom, steer }) {
  if (question.wheel) {
    question.steering = steer(question);
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

export function title(question, place) {
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

// press: takes an answer. pick: one of several.
export function answersOf(question, { press, pick }) {
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

// Whether digits answer it, and `c` says how sure one is.
export const isDigits = (one) => ["best", "correction", "critique", "ranking", "rating"].includes(one.kind);

// Says at every outcome which place it has in an order so far, or had before.
export function markOrder(question, order) {
  const before = question.before?.split(" ").slice(1).map(Number) || [];
  question.nodes.forEach((pane, place) => {
    const rank = order.indexOf(place);
    pane.classList.toggle("chosen", rank >= 0);
    const was = before.indexOf(place + 1) + 1;
    const said = rank >= 0 ? ` is number ${rank + 1}` : was ? ` (number ${was} before)` : "";
    pane.querySelector("figcaption b").textContent = `${place + 1}${said}`;
  });
}
