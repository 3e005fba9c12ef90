// Asks before something is gone for good. The dialog element brings focus trap, Escape and inert background.
export function confirmDelete(name, id = "confirm") {
  const dialog = document.getElementById(id);
  dialog.querySelector("[data-name]").textContent = name;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"), { once: true });
  });
}
