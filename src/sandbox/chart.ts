import { GLYPH, glyphOf, textWidth } from './font.ts';
import { encodePng } from './png.ts';

/** Red, green and blue, 0 to 255. */
export type Color = readonly [number, number, number];

/** A bar chart to draw. */
export interface ChartOptions {
  readonly values: readonly number[];
  readonly labels: readonly string[];
  readonly title: string;
  readonly color: Color;
  readonly width: number;
  readonly height: number;
}

const WHITE: Color = [255, 255, 255];
const INK: Color = [38, 42, 51];
const GRID: Color = [224, 228, 235];
const MARGIN = { top: 64, right: 24, bottom: 44, left: 76 } as const;
const TITLE_SCALE = 3;
const LABEL_SCALE = 2;

/** Returns a bar chart as a PNG file. Bars start at zero and grow downwards for negative values. */
export function drawBarChart(options: ChartOptions): Uint8Array {
  const { values, width, height } = options;
  const picture = new Picture(width, height);
  const axis = axisOf(values);
  const plot = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const yOf = (value: number): number =>
    Math.round(MARGIN.top + ((axis.max - value) / (axis.max - axis.min)) * plot.height);

  picture.text(options.title, width / 2, 22, TITLE_SCALE, width - 20);
  for (const tick of axis.ticks) {
    picture.rectangle(MARGIN.left, yOf(tick), plot.width, 1, GRID);
    const label = String(tick);
    const x = MARGIN.left - 10 - textWidth(label, LABEL_SCALE) / 2;
    picture.text(label, x, yOf(tick) - 7, LABEL_SCALE, MARGIN.left - 12);
  }
  const slot = plot.width / values.length;
  const barWidth = Math.max(2, Math.round(slot * 0.64));
  values.forEach((value, index) => {
    const center = MARGIN.left + slot * (index + 0.5);
    const top = yOf(Math.max(value, 0));
    const bottom = yOf(Math.min(value, 0));
    picture.rectangle(Math.round(center - barWidth / 2), top, barWidth, bottom - top, options.color);
    picture.text(String(value), center, value < 0 ? bottom + 6 : top - 20, LABEL_SCALE, slot - 4);
    const label = options.labels[index];
    if (label !== undefined) picture.text(label, center, height - 30, LABEL_SCALE, slot - 4);
  });
  picture.rectangle(MARGIN.left, yOf(0), plot.width, 2, INK);
  picture.rectangle(MARGIN.left, MARGIN.top, 2, plot.height, INK);
  return encodePng(width, height, picture.pixels);
}

/** Returns an axis of round numbers around the values, including zero, with four to nine ticks. */
function axisOf(values: readonly number[]): { min: number; max: number; ticks: number[] } {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
  return { min: first * step, max: last * step, ticks };
}

/** A white image to draw on. */
class Picture {
  readonly pixels: Uint8Array;
  readonly #width: number;
  readonly #height: number;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.pixels = new Uint8Array(width * height * 3).fill(WHITE[0]);
  }

  /** Fills a rectangle, clipped to the image. */
  rectangle(left: number, top: number, width: number, height: number, color: Color): void {
    const [from, to] = [Math.max(0, left), Math.min(this.#width, left + width)];
    const row = Buffer.alloc(Math.max(0, to - from) * 3, Uint8Array.from(color));
    const bottom = Math.min(this.#height, top + height);
    for (let y = Math.max(0, top); y < bottom; y += 1) this.pixels.set(row, (y * this.#width + from) * 3);
  }

  /** Draws a text around a centre. Scales it down and then shortens it until it fits the width. */
  text(content: string, center: number, top: number, scale: number, maxWidth: number): void {
    let size = scale;
    while (size > 1 && textWidth(content, size) > maxWidth) size -= 1;
    const fitting = Math.floor((maxWidth + size) / ((GLYPH.width + 1) * size));
    const shown = Array.from(content).slice(0, Math.max(0, fitting)).join('');
    let x = Math.round(center - textWidth(shown, size) / 2);
    for (const character of shown) {
      this.#glyph(glyphOf(character), x, Math.round(top), size);
      x += (GLYPH.width + 1) * size;
    }
  }

  #glyph(rows: readonly number[], left: number, top: number, size: number): void {
    rows.forEach((bits, row) => {
      for (let column = 0; column < GLYPH.width; column += 1) {
        if ((bits >> (GLYPH.width - 1 - column)) % 2 === 1) {
          this.rectangle(left + column * size, top + row * size, size, size, INK);
        }
      }
    });
  }
}
