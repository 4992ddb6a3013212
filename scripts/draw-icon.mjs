// Draws manifests/mcpb/icon.png: a suspension bridge, 512 by 512. Needs `npm run build` first, for the PNG encoder.
import { writeFileSync } from 'node:fs';
import { encodePng } from '../dist/sandbox/png.js';

const SIZE = 512;
/** Samples across a pixel, for smooth edges. */
const SAMPLES = 4;

const TOP = [36, 99, 235];
const BOTTOM = [109, 40, 217];
const WHITE = [255, 255, 255];
const FAINT = [196, 208, 255];

const TOWERS = [156, 356];
const [TOWER_TOP, DECK, WATER] = [128, 330, 404];
const MIDDLE = 256;

/** Returns the height of the cable at a position; it is lowest in the middle and at the ends. */
function cableAt(x) {
  if (x < TOWERS[0]) return TOWER_TOP + 10 + ((TOWERS[0] - x) / TOWERS[0]) ** 0.85 * (DECK - TOWER_TOP - 10);
  if (x > TOWERS[1]) return cableAt(SIZE - x);
  const sag = ((x - MIDDLE) / (MIDDLE - TOWERS[0])) ** 2;
  return DECK - 34 - sag * (DECK - 44 - TOWER_TOP);
}

function colorAt(x, y) {
  if (TOWERS.some((tower) => Math.abs(x - tower) < 13) && y > TOWER_TOP && y < WATER) return WHITE;
  if (Math.abs(y - DECK) < 11) return WHITE;
  const cable = cableAt(x);
  // The steeper the cable, the taller its vertical section.
  const slope = Math.min(Math.abs(cableAt(x + 0.5) - cableAt(x - 0.5)), 3);
  if (y > TOWER_TOP && Math.abs(y - cable) < 6.5 * Math.hypot(1, slope)) return WHITE;
  const hanger = Math.abs(((x - MIDDLE + 400) % 40) - 20) > 17.5;
  const apart = TOWERS.every((tower) => Math.abs(x - tower) > 26);
  if (hanger && apart && y > cable && y < DECK) return FAINT;
  const share = (x + y) / (2 * SIZE);
  return TOP.map((channel, index) => channel + (BOTTOM[index] - channel) * share);
}

const pixels = new Uint8Array(SIZE * SIZE * 3);
for (let y = 0; y < SIZE; y += 1) {
  for (let x = 0; x < SIZE; x += 1) {
    const sum = [0, 0, 0];
    for (let sample = 0; sample < SAMPLES ** 2; sample += 1) {
      const right = x + ((sample % SAMPLES) + 0.5) / SAMPLES;
      const down = y + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES;
      colorAt(right, down).forEach((channel, index) => (sum[index] += channel));
    }
    pixels.set(
      sum.map((channel) => Math.round(channel / SAMPLES ** 2)),
      (y * SIZE + x) * 3,
    );
  }
}
writeFileSync(new URL('../manifests/mcpb/icon.png', import.meta.url), encodePng(SIZE, SIZE, pixels));
