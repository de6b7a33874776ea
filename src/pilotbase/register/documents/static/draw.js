// draw: pictures that grow with the reader's clicks: the running figure, and a hundred dots.
const draw = (() => {
  "use strict";

  const { shape } = page;
  const HEIGHT = 190;
  const POINTS_MOST = 600;

  const across = (value, high) => `${((100 * value) / Math.max(high, 1)).toFixed(2)}%`;

  /** A line through points given in percent of both sides; its stroke keeps its width. */
  function path(points, className) {
    const d = points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
    return shape("svg", {
      viewBox: "0 0 100 100", preserveAspectRatio: "none", width: "100%", height: HEIGHT,
    }, shape("path", { class: className, d, "vector-effect": "non-scaling-stroke" }));
  }

  /** At most so many of the points, evenly, the last one included. */
  function thinned(points) {
    const every = Math.ceil(points.length / POINTS_MOST);
    return points.filter((_, i) => i % every === 0 || i === points.length - 1);
  }

  /** The running figure over the number of items, against the bound.
   *  @param {{values: number[], rest: number[], total: number, bound: number, atLeast: boolean,
   *    how: string, range: [number, number], band: {at: number, low: number, high: number}[],
   *    marks: {at: number, className: string}[]}} said  values: revealed; rest: what came after */
  function running({ values, rest, total, bound, atLeast, how, range, band, marks }) {
    const [low, high] = range;
    const up = (v) => 100 * (1 - Math.min(1, Math.max(0, (v - low) / (high - low))));
    const along = (n) => (100 * n) / Math.max(total, 1);
    const level = `${up(bound).toFixed(2)}%`;
    const track = (from, numbers, className) => {
      const points = numbers.map((v, i) => [along(from + i + 1), v])
        .filter(([, v]) => v !== null).map(([x, v]) => [x, up(v)]);
      return points.length ? path(thinned(points), className) : null;
    };
    const bandPoints = [
      ...band.map(({ at, high: h }) => [along(at), up(h)]),
      ...[...band].reverse().map(({ at, low: l }) => [along(at), up(l)]),
    ];
    const last = values.at(-1) ?? null;
    return shape("svg", { class: "chart run", width: "100%", height: HEIGHT, "aria-hidden": "true" },
      shape("rect", { class: "good", x: 0, width: "100%", y: atLeast ? 0 : level,
        height: `${(atLeast ? up(bound) : 100 - up(bound)).toFixed(2)}%` }),
      band.length ? path(bandPoints, "band") : null,
      shape("line", { class: "bound", x1: 0, x2: "100%", y1: level, y2: level }),
      shape("text", { x: "100%", y: level, dx: 6, dy: 4 }, figures.printed(bound, `${how}-bound`)),
      marks.map(({ at, className }) =>
        shape("line", { class: className, x1: across(at, total), x2: across(at, total),
          y1: 0, y2: "100%" })),
      track(values.length, rest, "rest"),
      track(0, values, "track"),
      last === null ? null : shape("circle", { class: "point", r: 4.5,
        cx: across(values.length, total), cy: `${up(last).toFixed(2)}%` }),
      shape("line", { class: "rule", x1: 0, x2: "100%", y1: "100%", y2: "100%" }),
      shape("text", { x: "100%", y: "100%", dy: 16, "text-anchor": "end" }, String(total)));
  }

  /** A hundred dots, as many filled as the share says: a frequency one can count. */
  function dots(share, className) {
    const filled = Math.round(100 * share);
    const cells = Array.from({ length: 100 }, (_, i) => shape("circle", {
      cx: 5 + 10 * (i % 10), cy: 5 + 10 * Math.floor(i / 10), r: 3.6,
      class: i < filled ? className : "empty",
    }));
    return shape("svg", { class: "dots", viewBox: "0 0 100 100", width: 92, height: 92,
      "aria-hidden": "true" }, cells);
  }

  return { running, dots };
})();
