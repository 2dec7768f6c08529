// The sample sheets of a run over time.

const MILLISECONDS = 400;

/** The film; it follows the newest sheet while its last one is shown. */
export class Film {
  constructor() {
    this.steps = [];
    this.place = document.getElementById("place");
    this.place.addEventListener("input", () => this.show());
    document.getElementById("play").addEventListener("click", () => this.play(!this.timer));
  }

  /** Takes the steps of all sheets. */
  update(steps) {
    const follows = !this.timer && Number(this.place.value) === this.steps.length - 1;
    const isFirst = !this.steps.length;
    this.steps = steps;
    document.getElementById("film").hidden = !steps.length;
    this.place.max = Math.max(steps.length - 1, 0);
    if (follows || isFirst) this.place.value = steps.length - 1;
    this.show();
  }

  show() {
    const step = this.steps[Number(this.place.value)];
    if (step === undefined || step === this.shown) return;
    this.shown = step;
    const name = String(step).padStart(6, "0");
    const frame = document.getElementById("frame");
    frame.src = `samples/${name}.png`;
    frame.alt = `Samples at step ${step}`;
    document.getElementById("step").value = `step ${step.toLocaleString("en")}`;
  }

  play(playing) {
    clearInterval(this.timer);
    this.timer = playing ? setInterval(() => this.next(), MILLISECONDS) : null;
    const button = document.getElementById("play");
    button.textContent = playing ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(playing));
  }

  next() {
    this.place.value = (Number(this.place.value) + 1) % Math.max(this.steps.length, 1);
    this.show();
  }
}
