// Sentences come from the page (element #strings), so that they are translated where all others are.
const element = document.getElementById("strings");
const sentences = element ? JSON.parse(element.textContent) : {};
const language = document.documentElement.lang || "en";
const rules = new Intl.PluralRules(language);

const fill = (sentence, values) =>
  sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

export const text = (key, values = {}) => fill(sentences[key] ?? key, values);

// Looks for "key.one" or "key.other"; {n} is the count as people of this language write it.
export function plural(key, count, values = {}) {
  const form = rules.select(count) === "one" ? "one" : "other";
  return text(`${key}.${form}`, { n: number(count), ...values });
}

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);

export const percent = (share) =>
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);

export const clockTime = (milliseconds) =>
  new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(milliseconds);

export const dateTime = (milliseconds) =>
  new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short", hourCycle: "h23" }).format(milliseconds);

export function fileSize(bytes) {
  const megabytes = bytes / 2 ** 20;
  if (megabytes < 0.1) return text("kilobytes", { n: number(Math.ceil(bytes / 1024)) });
  return text("megabytes", { n: number(megabytes, megabytes < 10 ? 1 : 0) });
}
