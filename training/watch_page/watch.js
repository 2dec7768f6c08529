// The page of a run: asks for its state again and again.

import { chart } from "./charts.js";
import { Film } from "./film.js";

const SECONDS = { training: 2, starting: 2, stopped: 5, finished: 15 };
const film = new Film();
let before = "";

function element(id) {
  return document.getElementById(id);
}

function make(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Returns a duration in words. */
function duration(seconds) {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} seconds`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} hours`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

function facts(state) {
  const found = [
    ["Model", state.model], ["Data", state.data],
    ["Step", `${state.step.toLocaleString("en")} of ${state.steps.toLocaleString("en")}`],
  ];
  if (state.images_per_second) {
    found.push(["Speed", `${Math.round(state.images_per_second).toLocaleString("en")} images/s`]);
  }
  if (state.seconds_per_step) {
    found.push(["Time per step", `${(1000 * state.seconds_per_step).toFixed(1)} ms with reports`]);
  }
  if (state.seconds_left !== null) {
    const end = new Date(Date.now() + 1000 * state.seconds_left);
    const time = end.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    found.push(["Time left", `about ${duration(state.seconds_left)}, until ${time}`]);
  }
  return found.map(([name, value]) => {
    const group = document.createElement("div");
    group.append(make("dt", name), make("dd", value));
    return group;
  });
}

/** Returns the elements of a Markdown table and of the lines after it. */
function table(markdown) {
  const lines = markdown.split("\n").filter((line) => line.trim());
  const rows = lines.filter((line) => line.startsWith("|"));
  const made = document.createElement("table");
  rows.forEach((row, number) => {
    if (number === 1) return;
    const line = document.createElement("tr");
    for (const cell of row.replace(/^\||\|$/g, "").split("|")) {
      line.append(make(number ? "td" : "th", cell.trim()));
    }
    made.append(line);
  });
  const notes = lines.filter((line) => !line.startsWith("|"))
    .map((line) => make("p", line.replaceAll("`", "")));
  return rows.length ? [made, ...notes] : notes;
}

function show(state) {
  const phases = {
    starting: "The training starts.", training: "Training", finished: "Finished",
    stopped: "Not finished, and no process trains it. Its command resumes it.",
  };
  document.title = `${state.name}: ${state.phase}`;
  element("name").textContent = state.name;
  const stage = state.stage && state.phase === "training" ? `, ${state.stage}` : "";
  element("phase").textContent = phases[state.phase] + stage;
  const isFinished = state.phase === "finished";
  element("progress").value = isFinished ? 1 : state.step / (state.steps || 1);
  element("facts").replaceChildren(...facts(state));
  element("result").hidden = !state.tables.length;
  element("result").replaceChildren(make("h2", "Result"), ...state.tables.flatMap(table));
  film.update(state.samples);
  element("curves").hidden = !state.curves.length;
  element("panels").replaceChildren(...state.curves.map(chart));
}

async function poll() {
  let seconds = 5;
  try {
    const answer = await fetch("state.json", { cache: "no-store" });
    const text = await answer.text();
    const state = JSON.parse(text);
    if (state.error) throw new Error(state.error);
    element("error").hidden = true;
    if (text !== before) show(state);
    before = text;
    seconds = SECONDS[state.phase];
  } catch (error) {
    element("error").textContent = `The state of the run cannot be read: ${error.message}`;
    element("error").hidden = false;
  }
  setTimeout(poll, 1000 * seconds);
}

poll();
