// Light and dark: what the system prefers, until the switch says otherwise.
"use strict";

class Theme {
  constructor(plots, button) {
    this.plots = plots;
    this.button = button;
    this.system = window.matchMedia("(prefers-color-scheme: dark)");
    this.system.addEventListener("change", () => this.paint());
    button.addEventListener("click", () => {
      document.documentElement.dataset.theme = this.dark() ? "light" : "dark";
      this.paint();
    });
    this.paint();
  }

  dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : this.system.matches;
  }

  paint() {
    const style = getComputedStyle(document.documentElement);
    const [ground, ink, faint, line] = ["--card", "--ink", "--faint", "--line"].map(
      (name) => style.getPropertyValue(name).trim());
    this.button.textContent = this.dark() ? "Light" : "Dark";
    this.button.setAttribute("aria-label", `Switch to ${this.dark() ? "light" : "dark"} colours`);
    for (const plot of this.plots) {
      plot.outline_line_color = line;
      for (const axis of [...plot.below, ...plot.left]) {
        axis.setv({ axis_line_color: line, major_tick_line_color: line, minor_tick_line_color: null,
          major_label_text_color: ink, axis_label_text_color: faint });
      }
      for (const { glyph } of plot.renderers) {
        if (glyph.tags.includes("edged")) glyph.line_color = { value: ground };
      }
      for (const part of plot.center) {
        if (part.grid_line_color !== undefined) part.grid_line_color = line;
      }
    }
  }
}
