// Light, dark, or as the system is. Loaded before anything is drawn, so that nothing flashes.

(() => {
  const CHOICES = ["auto", "light", "dark"];
  const root = document.documentElement;

  function read() {
    try {
      return localStorage.getItem("theme") ?? "auto";
    } catch {
      return "auto"; // a browser that keeps nothing
    }
  }

  function keep(choice) {
    try {
      localStorage.setItem("theme", choice);
    } catch {
      // it holds for this page alone
    }
  }

  function show(choice) {
    root.dataset.theme = choice;
    const button = document.getElementById("theme");
    if (button) {
      button.querySelector(".word").textContent = choice;
      button.title = `Colours: ${choice}`;
    }
    dispatchEvent(new Event("themechange"));
  }

  show(CHOICES.includes(read()) ? read() : "auto");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    show(root.dataset.theme);
    button.addEventListener("click", () => {
      const next = CHOICES[(CHOICES.indexOf(root.dataset.theme) + 1) % CHOICES.length];
      keep(next);
      show(next);
    });
  });
})();
