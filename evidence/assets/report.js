"use strict";
// Draws the charts. The page says the same in tables when scripts are off.
(function () {
  function bytes(text) {
    return Uint8Array.from(atob(text), function (c) { return c.charCodeAt(0); });
  }
  // Little-endian, whatever the machine is. What is not a number is a gap.
  function numbers(text, size) {
    var view = new DataView(bytes(text).buffer), out = [];
    for (var at = 0; at + size <= view.byteLength; at += size) {
      var value = size === 8 ? view.getFloat64(at, true) : view.getFloat32(at, true);
      out.push(Number.isNaN(value) ? null : value);
    }
    return out;
  }
  function two(number) { return String(number).padStart(2, "0"); }
  function span(seconds) {
    var sign = seconds < 0 ? "-" : "", s = Math.abs(Math.round(seconds));
    return sign + Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  }
  function draw(box) {
    var x = numbers(box.dataset.x, 8), y = numbers(box.dataset.y, 4), canvas = box.querySelector("div");
    function axis() { return { values: function (u, splits) { return splits.map(span); }, size: 64 }; }
    var plot = new uPlot({
      width: canvas.clientWidth, height: 200,
      cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false } },
      axes: [axis(), axis()],
      series: [
        { label: "since t0", value: function (u, v) { return v == null ? "-" : span(v); } },
        { label: box.dataset.label, stroke: "#2f5d9b", width: 1.5, fill: "rgba(47,93,155,.10)", value: function (u, v) { return v == null ? "-" : span(v); } }
      ]
    }, [x, y], canvas);
    var whole = { min: x[0], max: x[x.length - 1] };
    box.querySelector("button").addEventListener("click", function () { plot.setScale("x", whole); });
    function fit() { plot.setSize({ width: canvas.clientWidth, height: 200 }); }
    addEventListener("resize", fit);
    box.plot = plot;
  }
  document.querySelectorAll(".chart").forEach(draw);
})();
