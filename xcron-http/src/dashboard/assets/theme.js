// Sets the chosen theme before anything is painted, so that a dark page never flashes white.
try {
  const theme = localStorage.getItem("xcron.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; then the theme is the system's.
}
