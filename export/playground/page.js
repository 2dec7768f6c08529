// Parts of the page that all modules use: elements, messages, and one running action at a time.

let running = 0;

/** Returns the element with an id. */
export function element(id) {
  return document.getElementById(id);
}

/** Returns a new element with a text. */
export function make(tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Shows an error on the page and on the console; an empty text removes it. */
export function showError(text) {
  element("error").textContent = text;
  element("error").hidden = !text;
  if (text) console.error(text);
}

/** Shows the state of the page, which screen readers read out. */
export function showStatus(text) {
  element("status").textContent = text;
}

/** Replaces the options of a list; each is [value, text]. */
export function setOptions(select, options) {
  select.replaceChildren(...options.map(([value, text]) => {
    const option = make("option", text);
    option.value = value;
    return option;
  }));
}

/** Returns a number field's value, brought into its range. */
export function numberOf(input) {
  const value = Math.round(Number(input.value) || 0);
  input.value = Math.min(Math.max(value, Number(input.min)), Number(input.max));
  return Number(input.value);
}

/**
 * Returns a function that runs an action and shows its error. The action gets a function that tells
 * whether it is still the newest one; an older one must not change the page any more.
 */
export function guarded(action) {
  let newest = 0;
  const count = (change) => {
    running += change;
    if (running) document.body.setAttribute("aria-busy", "true");
    else document.body.removeAttribute("aria-busy");
  };
  return async (...given) => {
    newest += 1;
    const mine = newest;
    const isNewest = () => mine === newest;
    count(1);
    try {
      await action(isNewest, ...given);
    } catch (error) {
      if (isNewest()) showError(error.message);
    } finally {
      count(-1);
    }
  };
}
