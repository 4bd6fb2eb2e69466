// Runs in the page of the API's document: opens an operation, fills it in as a person would, and executes it.
const WAIT = 60_000;

async function until(find, what) {
  for (const end = Date.now() + WAIT; Date.now() < end; await new Promise(next => setTimeout(next, 50))) {
    const found = find();
    if (found) return found;
  }
  throw Error(`there is no ${what}`);
}

// React listens to the property of the prototype, not to the element's own.
function type(field, value) {
  const own = Object.getPrototypeOf(field);
  Object.getOwnPropertyDescriptor(own, "value").set.call(field, value);
  field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
}

async function tryOut(operation, { parameters = {}, contentType, body, file }) {
  const block = await until(() => document.querySelector(`.opblock[id$="-${operation}"]`), operation);
  if (!block.classList.contains("is-open")) block.querySelector(".opblock-summary-control").click();
  const button = await until(() => block.querySelector(".try-out__btn"), "button to try it out");
  if (!button.classList.contains("cancel")) button.click(); // else it is being tried already
  await until(() => block.querySelector(".execute"), "button to execute");
  for (const [name, value] of Object.entries(parameters)) {
    const field = `tr[data-param-name="${name}"] :is(input, textarea, select)`;
    type(await until(() => block.querySelector(field), `field ${name}`), value);
  }
  if (contentType) {
    type(await until(() => block.querySelector(".body-param-content-type select, select.content-type"), "type"), contentType);
  }
  if (body) type(await until(() => block.querySelector("textarea.body-param__text"), "field for the body"), body);
  if (file) {
    const chosen = new DataTransfer();
    chosen.items.add(new File([file], "chosen"));
    const field = await until(() => block.querySelector('input[type="file"]'), "field for a file");
    field.files = chosen.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  // The page takes over what was typed a moment later.
  await new Promise(next => setTimeout(next, 1_000));
  block.querySelector(".btn-clear")?.click(); // the answer to an earlier try
  block.querySelector(".execute").click();
  const status = await until(() => {
    const shown = block.querySelector(".live-responses-table tbody .response-col_status");
    return shown && shown.textContent.trim();
  }, `answer to ${operation}`);
  const sent = block.querySelector(".request-url")?.textContent ?? "";
  const told = block.querySelector(".live-responses-table tbody .response-col_description")?.textContent ?? "";
  block.querySelector(".opblock-summary-control").click(); // each open operation slows the page down
  return { status, sent, told: told.slice(0, 300) };
}
