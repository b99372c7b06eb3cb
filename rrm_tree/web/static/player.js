// Clips that play together: one time for all, from start to end and again.

export class Player {
  constructor(bar, back, play, forth, time) {
    this.bar = bar;
    this.word = play.querySelector("span");
    this.time = time;
    this.clips = [];
    this.runs = false;
    back.addEventListener("click", () => this.step(-1));
    forth.addEventListener("click", () => this.step(1));
    play.addEventListener("click", () => this.toggle());
    time.addEventListener("input", () => { this.stop(); this.go((time.value / 1000) * this.length); });
  }

  get plays() {
    return this.clips.length > 0;
  }

  get length() {
    return Math.max(0.001, ...this.clips.map((clip) => clip.duration || 0));
  }

  watch(clips) {
    for (const clip of this.clips) clip.pause();
    this.clips = clips;
    this.bar.hidden = !clips.length;
    if (!clips.length) return;
    this.go(0);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.stop();
    else this.start();
  }

  start() {
    this.runs = true;
    this.word.textContent = "stop";
    this.began = performance.now() - 1000 * (this.at || 0);
    this.goOn();
  }

  // Once a picture of the screen, however often it is started.
  goOn() {
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => this.tick());
  }

  stop() {
    this.runs = false;
    this.word.textContent = "play";
    for (const clip of this.clips) clip.pause();
  }

  toggle() {
    if (this.runs) this.stop();
    else this.start();
  }

  // Of the clip that has most of them.
  get frame() {
    return Math.min(...this.clips.map((clip) => clip.frameSeconds));
  }

  // To the middle of a frame: at its edge, which is rounded, the one before may be shown.
  step(frames) {
    this.stop();
    const last = Math.round(this.length / this.frame) - 1;
    const now = Math.min(last, Math.floor((this.at || 0) / this.frame));
    this.go((Math.min(last, Math.max(0, now + frames)) + 0.5) * this.frame);
  }

  // A shorter clip stays at its end until the longer one is through.
  go(seconds) {
    this.at = seconds;
    for (const clip of this.clips) {
      const there = Math.min(seconds, Math.max(0, (clip.duration || 0) - 0.001));
      if (Number.isFinite(there)) clip.currentTime = there;
    }
    this.time.value = Math.round((1000 * seconds) / this.length);
  }

  tick() {
    if (!this.runs || !this.plays) return;
    const seconds = (performance.now() - this.began) / 1000;
    if (seconds > this.length) {
      this.began = performance.now();
      this.go(0);
    } else {
      this.at = seconds;
      this.time.value = Math.round((1000 * seconds) / this.length);
    }
    for (const clip of this.clips) {
      const there = Math.min(this.at, clip.duration || 0);
      const isOver = this.at >= (clip.duration || 0) - 0.02;
      if (isOver && !clip.paused) clip.pause();
      else if (!isOver && clip.paused) clip.play().catch(() => {});
      // Two clips drift apart; a jump of less than two frames is not seen.
      if (!isOver && Math.abs(clip.currentTime - there) > 2 * this.frame) clip.currentTime = there;
    }
    this.goOn();
  }
}
