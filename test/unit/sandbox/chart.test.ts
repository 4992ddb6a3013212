import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { drawBarChart } from '../../../src/sandbox/chart.ts';
import { encodePng } from '../../../src/sandbox/png.ts';

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue at a point. */
  at(x: number, y: number): number[];
}

/** Reads a PNG as the specification describes it, checking every chunk. */
function decodePng(file: Uint8Array): Picture {
  const buffer = Buffer.from(file);
  expect(buffer.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < buffer.length; ) {
    const length = buffer.readUInt32BE(at);
    const typed = buffer.subarray(at + 4, at + 8 + length);
    expect(buffer.readUInt32BE(at + 8 + length)).toBe(crc32(typed));
    chunks.set(typed.subarray(0, 4).toString('latin1'), typed.subarray(4));
    at += length + 12;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') ?? Buffer.alloc(13);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  expect([...header.subarray(8)]).toEqual([8, 2, 0, 0, 0]);
  const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const rowBytes = width * 3 + 1;
  expect(rows.length).toBe(rowBytes * height);
  return {
    width,
    height,
    at: (x, y) => {
      expect(rows[y * rowBytes]).toBe(0);
      return [...rows.subarray(y * rowBytes + 1 + x * 3, y * rowBytes + 4 + x * 3)];
    },
  };
}

const CHART = { labels: [], title: '', color: [200, 0, 0], width: 400, height: 250 } as const;

describe('encodePng', () => {
  it('keeps every pixel', () => {
    const picture = decodePng(encodePng(2, 2, Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])));
    expect([picture.width, picture.height]).toEqual([2, 2]);
    expect([picture.at(0, 0), picture.at(1, 0), picture.at(0, 1), picture.at(1, 1)]).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
      [10, 11, 12],
    ]);
  });
});

describe('drawBarChart', () => {
  /** Rows of the bar's colour in the middle of the bar. */
  const barHeight = (picture: Picture, index: number, count: number): number => {
    const x = Math.round(76 + ((400 - 76 - 24) / count) * (index + 0.5));
    let rows = 0;
    for (let y = 0; y < picture.height; y += 1) {
      const [red, green, blue] = picture.at(x, y);
      if (red === 200 && green === 0 && blue === 0) rows += 1;
    }
    return rows;
  };

  it('draws bars as high as their values', () => {
    const picture = decodePng(drawBarChart({ ...CHART, values: [10, 20, 40] }));
    expect([picture.width, picture.height]).toEqual([400, 250]);
    const heights = [0, 1, 2].map((index) => barHeight(picture, index, 3));
    expect(heights[2]).toBeGreaterThan(100);
    expect((heights[1] ?? 0) / (heights[2] ?? 1)).toBeCloseTo(0.5, 1);
    expect((heights[0] ?? 0) / (heights[2] ?? 1)).toBeCloseTo(0.25, 1);
  });

  it('draws negative values below zero, and copes with zero, one and very small values', () => {
    const picture = decodePng(drawBarChart({ ...CHART, values: [-4, 4] }));
    expect(barHeight(picture, 0, 2)).toBeGreaterThan(30);
    expect(barHeight(picture, 1, 2)).toBeGreaterThan(30);
    for (const values of [[0], [0.0003], [1e9], [-7]]) {
      expect(decodePng(drawBarChart({ ...CHART, values, title: 'ÄÖÜ 日本', labels: ['x'] })).width).toBe(400);
    }
  });
});
