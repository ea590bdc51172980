// Sets the chosen theme before the first paint. A classic script on purpose: modules run after the page is drawn.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // storage may be blocked; the system's choice stands
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  document.documentElement.dataset.script = "";
}
