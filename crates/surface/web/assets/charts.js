// Interactive charts in the place of the pictures that came with the page.
"use strict";

(() => {
  if (!window.echarts) return;
  const drawn = new Map();

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function draw(figure) {
    const box = figure.querySelector(".chart-box");
    const data = JSON.parse(figure.dataset.chart);
    if (!drawn.has(figure)) {
      box.setAttribute("data-own", "");
      box.replaceChildren();
      drawn.set(figure, echarts.init(box, null, { renderer: "canvas" }));
      const ends = figure.querySelector(".chart-ends");
      if (ends) ends.hidden = true;
    }
    const ink = colour("--ink-3");
    const line = colour("--line");
    const colours = ["--chart-1", "--chart-2", "--chart-3"].map(colour);
    const dashes = ["solid", "dashed", "dotted"];
    const axis = { axisLabel: { color: ink }, axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } } };
    drawn.get(figure).setOption({
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 8, right: 14, top: 14, bottom: 4, containLabel: true },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true,
        backgroundColor: colour("--surface"), borderColor: line, textStyle: { color: colour("--ink") },
      },
      xAxis: { type: "category", data: data.labels, boundaryGap: data.bars, ...axis, splitLine: { show: false } },
      yAxis: { type: "value", min: 0, ...axis },
      series: data.lines.map((one, at) => ({
        name: one.name,
        type: data.bars ? "bar" : "line",
        step: data.bars ? undefined : "end",
        showSymbol: false,
        data: one.values,
        itemStyle: { color: colours[at % 3] },
        lineStyle: { color: colours[at % 3], width: 2, type: dashes[at % 3] },
      })).concat(data.marks ? [{
        name: data.marks.name, type: "scatter", symbolSize: 9, data: data.marks.values,
        itemStyle: { color: colours[1] },
      }] : []),
    });
  }

  const all = () => document.querySelectorAll("figure[data-chart]").forEach(draw);
  all();
  window.addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
