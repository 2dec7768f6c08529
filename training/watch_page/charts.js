// Curves as SVG pictures.

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [340, 190, 52, 22, 8];
const NAMESPACE = "http://www.w3.org/2000/svg";

/** Returns a figure of {title, lines: [{name, place, points}], band: {low, high, meaning} or null}. */
export function chart({ title, lines, band }) {
  const figure = document.createElement("figure");
  const heading = document.createElement("h3");
  heading.textContent = title;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const last = lines.map(({ name, points }) => `${name} ${text(points.at(-1)[1])}`).join(", ");
  picture.setAttribute("aria-label", `${title}, last values: ${last}`);
  const { x, y, low, high, first, end } = scales(lines, band);
  if (band) {
    const [top, bottom] = [y(Math.min(band.high ?? high, high)), y(Math.max(band.low ?? low, low))];
    picture.append(svg("rect", {
      class: "band", x: LEFT, y: top, width: WIDTH - LEFT - 8, height: Math.max(bottom - top, 1),
    }));
  }
  for (const value of [low, (low + high) / 2, high]) {
    picture.append(svg("line", { class: "axis", x1: LEFT, x2: WIDTH - 8, y1: y(value), y2: y(value) }));
    picture.append(label(LEFT - 5, y(value) + 4, text(value), "end"));
  }
  picture.append(label(LEFT, HEIGHT - 6, first.toLocaleString("en"), "start"));
  picture.append(label(WIDTH - 8, HEIGHT - 6, end.toLocaleString("en"), "end"));
  lines.forEach(({ place, points }) => {
    const places = points.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    picture.append(svg("polyline", { class: `line-${place % 4}`, points: places.join(" ") }));
    const [step, value] = points.at(-1);
    picture.append(svg("circle", { class: `line-${place % 4}`, cx: x(step), cy: y(value), r: 3 }));
  });
  figure.append(heading, picture, caption(lines, band));
  return figure;
}

function scales(lines, band) {
  const values = lines.flatMap(({ points }) => points.map((point) => point[1]));
  const steps = lines.flatMap(({ points }) => points.map((point) => point[0]));
  for (const end of [band?.low, band?.high]) if (Number.isFinite(end)) values.push(end);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
  [low, high] = [low - margin, high + margin];
  const [first, end] = [Math.min(...steps), Math.max(...steps)];
  return {
    low, high, first, end,
    x: (step) => LEFT + ((step - first) / (end - first || 1)) * (WIDTH - LEFT - 8),
    y: (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP),
  };
}

function caption(lines, band) {
  const made = document.createElement("figcaption");
  if (lines.length > 1) {
    lines.forEach(({ name, place }) => {
      const key = document.createElement("span");
      key.className = `key line-${place % 4}`;
      key.textContent = `\u25cf ${name}`;
      made.append(key, " ");
    });
  }
  if (band) made.append(band.meaning);
  return made;
}

function label(x, y, content, anchor) {
  const made = svg("text", { x, y, "text-anchor": anchor });
  made.textContent = content;
  return made;
}

function svg(tag, attributes) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function text(value) {
  return Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-2)
    ? value.toExponential(1) : Number(value.toPrecision(3)).toString();
}
