// Puts the page together once Bokeh has drawn the figures.
"use strict";

// WebGL where a graphics processor draws it; software that pretends to be one is slower than canvas.
// `#webgl` or `#canvas` in the address chooses.
function withBackend(documents) {
  const asked = /^#(webgl|canvas)$/.exec(location.hash);
  const backend = asked ? asked[1] : hasProcessor() ? "webgl" : "canvas";
  document.body.dataset.backend = backend;
  const roots = Object.values(documents).flatMap((entry) => entry.roots);
  for (const root of roots) root.attributes.output_backend = backend;
  return documents;
}

function hasProcessor() {
  const context = document.createElement("canvas").getContext("webgl",
    { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const told = context.getExtension("WEBGL_debug_renderer_info");
  const name = told ? context.getParameter(told.UNMASKED_RENDERER_WEBGL) : "";
  return !/swiftshader|llvmpipe|software|basic render/i.test(name);
}

(async () => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const at = (id) => document.getElementById(id);
  await Bokeh.embed.embed_items(withBackend(read("documents")), read("items"));
  const model = (name) => Bokeh.documents.map((d) => d.get_model_by_name(name)).find(Boolean) || null;

  const sheets = read("plans").map((facts, number) => new PlanSheet(number, facts, model));
  const plots = [];
  for (const sheet of sheets) {
    const details = new Details(sheet, at(`details-${sheet.number}`));
    details.fill(null);
    const pointer = new Pointer(sheet, details, at("tip"));
    for (const part of ["map", "occupancy", "timeline"]) {
      const place = at(`${part}-${sheet.number}`);
      if (place) listenToWheel(place, sheet, pointer, sheet.find(part));
    }
    listenToKeys(at(`frame-${sheet.number}`), sheet);
    plots.push(...["map", "occupancy", "timeline", "progress"].map(sheet.find).filter(Boolean));
  }
  new Search(sheets, at("search"), at("results"), at("count"));
  new Theme(plots, at("theme"));

  document.addEventListener("click", (event) => {
    const { step, tensor, plan, zoom } = event.target.closest("[data-plan]")?.dataset || {};
    const sheet = plan === undefined ? null : sheets[Number(plan)];
    if (step !== undefined) sheet.goToStep(Number(step));
    else if (tensor !== undefined) sheet.goToStay(sheet.facts.stays_of[tensor][0]);
    else if (zoom === "0") sheet.reset();
    else if (zoom !== undefined) sheet.zoom(Number(zoom));
  });
  for (const radio of document.querySelectorAll("input[name=colour]")) {
    radio.addEventListener("change", () => {
      for (const sheet of sheets) {
        for (const field of ["kind", "lifetime"]) {
          sheet.find(`by-${field}`).visible = radio.value === field;
        }
        sheet.label();
      }
      document.body.dataset.colour = radio.value;
    });
  }
  window.cosmalloc.sheets = sheets;
  document.body.dataset.ready = "true";
  performance.mark("ready");
})();
