import { expect, it } from 'vitest';
import { parseDuration, parseSize } from '../../../src/config/units.ts';

it.each([
  ['250ms', 250],
  ['60s', 60_000],
  ['20m', 1_200_000],
  ['1.5h', 5_400_000],
  ['5 s', 5000],
])('reads the duration %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '5', 's', '-5s', '5sec', '5S', '1e3s', '5s 3m'])('takes %j for no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

it.each([
  ['900B', 900],
  ['1KB', 1000],
  ['1KiB', 1024],
  ['1MB', 1_000_000],
  ['30MiB', 31_457_280],
  ['0.5 GiB', 536_870_912],
])('reads the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each(['', '5', '5mb', '5M', 'MB', '-1B'])('takes %j for no size', (text) => {
  expect(parseSize(text)).toBeUndefined();
});
