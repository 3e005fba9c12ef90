// The settings of a model: only those that the chosen one reads are shown and sent.
import { getClasses } from "./api.js";

const source = document.getElementById("reads");
const reads = source ? JSON.parse(source.textContent) : {};
export const ALL = "all"; // the server's name for every installed model

const chosen = (form) => form.elements.model?.value ?? "";

function toggle(form) {
  const known = reads[chosen(form)] ?? [];
  for (const part of form.querySelectorAll("[data-option]")) {
    part.hidden = !part.dataset.option.split(" ").some((name) => known.includes(name));
    for (const field of part.querySelectorAll("input, select")) field.disabled = part.hidden;
  }
}

// Names to search in, fetched when somebody comes near the field.
function suggest(field) {
  field.addEventListener("focus", async () => {
    const names = await getClasses().catch(() => []); // the number can still be written
    const options = names.map((name, number) => new Option("", `${number} ${name}`));
    field.list.replaceChildren(...options);
  }, { once: true });
}

export function settings(form, changed = () => {}) {
  form.elements.model?.addEventListener?.("change", () => {
    toggle(form);
    changed();
  });
  form.addEventListener("invalid", (event) => event.target.closest("details")?.setAttribute("open", ""), true);
  if (form.elements.label) suggest(form.elements.label);
  toggle(form);
}

// What to send with a photo: the model and what was filled in for it.
export function wishes(form) {
  const fields = [...form.querySelectorAll("[name=model], [data-option] [name]")];
  const off = (field) => field.disabled || field.value === "" || (field.type === "checkbox" && !field.checked);
  const given = fields.filter((field) => !off(field));
  return Object.fromEntries(given.map((field) => [field.name, field.value]));
}
