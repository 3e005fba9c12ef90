// One polite live region per page; a sentence said twice in a row is read twice.
const region = document.getElementById("said");

export function say(sentence) {
  if (!region) return;
  region.textContent = "";
  setTimeout(() => {
    region.textContent = sentence;
  }, 50); // an empty tree between two equal sentences, else screen readers stay silent
}
