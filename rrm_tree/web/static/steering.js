// Showing how it is done: one action after the other; the server says where each leads.

export class Steering {
  // question: with its `wheel`. ask: gives a promise of what an address says. say: to those who do not see it.
  constructor(question, { ask, say, done, trouble }) {
    this.id = question.id;
    this.wheel = question.wheel;
    this.now = question.wheel.now;
    this.told = { ask, say, done, trouble };
    this.last = Promise.resolve();
    this.waiting = 0;
    this.focused = 0;
    this.buttons = question.wheel.actions.map((action, place) => this.button(action.key, action.name, () => this.go(place)));
    this.buttons.forEach((one, place) => { one.tabIndex = place ? -1 : 0; one.addEventListener("focus", () => this.point(place)); });
    this.back = this.button("u", "take back", () => this.takeBack());
    this.hand = this.button("d", this.wheel.is_goal ? "that is the goal" : "done", () => this.finish());
    this.hand.classList.add("hand");
    this.figure = document.createElement("figure");
    this.figure.className = "pane";
    this.text = document.createElement("pre");
    this.caption = document.createElement("figcaption");
    this.spelled = document.createElement("details");
    this.spelled.className = "spelled";
    const summary = document.createElement("summary");
    summary.textContent = "in letters";
    this.spelled.append(summary, this.text);
    this.draw();
  }

  button(key, words, act) {
    const made = Object.assign(document.createElement("button"), { type: "button", onclick: act });
    if (key) made.append(Object.assign(document.createElement("kbd"), { textContent: NAMES[key] || key }), " ");
    made.append(words);
    return made;
  }

  // What stands where other questions have their answers.
  get nodes() {
    const actions = document.createElement("div");
    const grid = this.wheel.across;
    actions.className = grid ? "actions grid" : "actions";
    actions.setAttribute("role", "group");
    actions.setAttribute("aria-label", "Actions; arrows go from one to the next");
    const count = grid ? Math.floor(this.buttons.length / grid) * grid : 0;
    for (let row = 0; row < count; row += grid) {
      const line = document.createElement("div");
      line.className = "line";
      line.append(...this.buttons.slice(row, row + grid));
      actions.append(line);
    }
    actions.append(...this.buttons.slice(count));
    const rest = document.createElement("div");
    rest.className = "actions";
    rest.append(this.back, this.hand);
    return [actions, rest];
  }

  // One after the other: keys may be pressed faster than the server answers.
  go(place) {
    const { name } = this.wheel.actions[place];
    return this.queue(() => (this.mayTake(place) ? this.lead([...this.now.moves, place], name) : this.told.say(`${name} is not allowed now.`)));
  }

  mayTake(place) {
    return !this.now.allowed || this.now.allowed[place];
  }

  takeBack() {
    return this.queue(() => (this.now.moves.length ? this.lead(this.now.moves.slice(0, -1), "taken back") : null));
  }

  get isUntouched() {
    return !this.now.moves.length && !this.waiting;
  }

  queue(work) {
    this.waiting += 1;
    this.last = this.last.then(work, work).finally(() => { this.waiting -= 1; });
    return this.last;
  }

  async lead(moves, words) {
    if (moves.length > this.now.moves.length && this.now.over) {
      this.told.say("The episode is over: done hands it in, take back goes back.");
      return;
    }
    try {
      this.now = await this.told.ask(`/api/steer/${this.id}?moves=${moves}`);
    } catch (error) {
      if (error.status === 404) this.told.say(error.detail);
      else this.told.trouble(error);
      return;
    }
    this.draw();
    this.told.say(`${words}. ${this.where()} ${this.now.spelled || this.now.words}`);
    if (this.now.over) this.hand.focus();
  }

  finish() {
    return this.queue(() => {
      if (this.now.enough) this.told.done({ choice: "show", moves: this.now.moves });
      else this.told.say("Go on: so far it cannot be learned from.");
    });
  }

  where() {
    const count = this.now.moves.length;
    const steps = count ? `${count} ${this.wheel.is_goal ? "move" : "step"}${count > 1 ? "s" : ""}.` : "The beginning.";
    if (this.now.over) return `${steps} It is over.`;
    return count && !this.now.enough ? `${steps} Go on.` : steps;
  }

  draw() {
    const now = this.now;
    const seen = document.createElement(now.form === "frame" ? "iframe" : "img");
    seen.src = now.source;
    if (now.form === "frame") seen.setAttribute("sandbox", "");
    seen[now.form === "frame" ? "title" : "alt"] = `${this.where()} ${now.words}`;
    this.caption.textContent = `${this.where()} ${now.form === "image" ? "" : now.words}`;
    this.text.textContent = now.spelled;
    const isOpen = this.spelled.open;
    this.figure.replaceChildren(seen, this.caption, ...(now.spelled ? [this.spelled] : []));
    this.spelled.open = isOpen;
    this.buttons.forEach((one, place) => one.setAttribute("aria-disabled", String(now.over || !this.mayTake(place))));
    this.back.setAttribute("aria-disabled", String(this.isUntouched));
    this.hand.setAttribute("aria-disabled", String(!now.enough));
  }

  point(place) {
    this.buttons[this.focused].tabIndex = -1;
    this.focused = place;
    this.buttons[place].tabIndex = 0;
  }

  // Whether a key was one of these.
  press(key) {
    const named = this.wheel.actions.findIndex((one) => one.key === key);
    if (named >= 0) this.go(named);
    else if (key === "d") this.finish();
    else if ((key === "u" || key === "Backspace") && !this.isUntouched) this.takeBack();
    else if (key.startsWith("Arrow")) this.move(key);
    else return false;
    return true;
  }

  move(key) {
    const across = this.wheel.across || 1;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[key];
    const next = Math.min(this.buttons.length - 1, Math.max(0, this.focused + by));
    // The first arrow shows where one is.
    this.buttons[this.buttons.includes(document.activeElement) ? next : this.focused].focus();
  }
}

const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
